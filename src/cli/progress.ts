import type { Coordinator, NetworkReport } from '../coordinator/index.js';
import { messageOf } from '../errors.js';
import { checkPorts, type Graph, type GraphPositions, type GraphProblem } from '../graph/index.js';
import type { Role } from '../names.js';
import type { Logger } from '../support/index.js';
import { missingEdges, missingNodes } from './missing.js';

export interface ProgressOptions {
  readonly coordinator: Pick<Coordinator, 'graph' | 'report' | 'definitions' | 'foreignBindings' | 'subscribe'>;
  /** Where the parts of the graph stand, as it is known at the time. */
  readonly positions: () => GraphPositions;
  readonly waitTimeoutMs: number;
  readonly log: Logger;
  /** After an edit nothing is said before editing has paused for so long, in ms. @default 5000 */
  readonly pauseMs?: number;
}

/**
 * Says on stderr how far a network has come: a line when counts change, one when it is complete, and after
 * `waitTimeoutMs` one for everything that is still missing, with its place in the graph. While somebody edits, an editor
 * shows all that: here one line is said when the editing pauses, and only if it says something new.
 */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #graph: Graph;
  #pause: NodeJS.Timeout | undefined;
  #last = '';

  constructor(options: ProgressOptions) {
    this.#options = options;
    const { coordinator, waitTimeoutMs } = options;
    this.#graph = coordinator.graph;
    this.#timer = setTimeout(() => this.#sayMissing(), waitTimeoutMs);
    this.#unsubscribe = coordinator.subscribe(({ kind }) => {
      if (kind === 'report') this.#reported();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#pause);
    this.#unsubscribe();
  }

  #reported(): void {
    const { coordinator, pauseMs = 5000 } = this.#options;
    if (coordinator.graph !== this.#graph) {
      this.#graph = coordinator.graph;
      clearTimeout(this.#pause);
      this.#pause = setTimeout(() => {
        this.#pause = undefined;
        this.#show();
      }, pauseMs);
    }
    if (this.#pause === undefined) this.#show();
  }

  #show(): void {
    const { coordinator, log } = this.#options;
    const report = coordinator.report();
    for (const { message } of this.#portProblems()) log.warnOnce(message, message);
    const line = lineOf(report);
    if (line === this.#last) return;
    this.#last = line;
    log.info(line);
    if (report.isComplete) void this.#sayForeign();
  }

  /** Somebody else's bindings are no business of ours, but they explain messages that the graph does not. */
  async #sayForeign(): Promise<void> {
    const { coordinator, log } = this.#options;
    try {
      for (const { source, target } of await coordinator.foreignBindings()) {
        const name = `${source} -> ${target}`;
        log.warnOnce(`foreign ${name}`, `the binding ${name} was made by somebody else; it is left alone`);
      }
    } catch (error) {
      log.debug(`the broker's bindings could not be listed: ${messageOf(error)}`);
    }
  }

  /** That a role is not there yet is progress; that it lacks a port is a mistake in the graph. */
  #portProblems(): readonly GraphProblem[] {
    const { coordinator, positions } = this.#options;
    const definitions = new Map(coordinator.definitions().map((definition) => [definition.role, definition]));
    const portsOf = (role: Role) => {
      const definition = definitions.get(role);
      return (
        definition && {
          inports: definition.inports.map(({ id }) => id),
          outports: definition.outports.map(({ id }) => id),
        }
      );
    };
    return checkPorts(coordinator.graph, portsOf, positions());
  }

  #sayMissing(): void {
    const { coordinator, positions, log } = this.#options;
    const report = coordinator.report();
    const places = { graph: coordinator.graph, positions: positions() };
    for (const line of [...missingNodes(report, places), ...missingEdges(report, places)]) log.warn(line);
  }
}

function lineOf({ nodes, edges, isComplete }: NetworkReport): string {
  const ours = nodes.filter(({ state }) => state !== 'foreign');
  const live = ours.filter(({ state }) => state === 'live').length;
  const bound = edges.filter(({ state }) => state === 'live').length;
  const counts = `${live} of ${ours.length} roles live, ${bound} of ${edges.length} edges bound`;
  return isComplete ? `${counts}: the network is complete` : counts;
}
