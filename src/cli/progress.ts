import type { Coordinator, NetworkReport } from '../coordinator/index.js';
import { messageOf } from '../errors.js';
import { checkPorts, type GraphPositions, type GraphProblem } from '../graph/index.js';
import type { Role } from '../names.js';
import type { Logger } from '../support/index.js';
import { missingEdges, missingNodes } from './missing.js';

/**
 * Says on stderr how far a network has come: a line when counts change, one when it is complete, and after
 * `waitTimeoutMs` one for everything that is still missing, with its place in the graph.
 */
export class Progress {
  readonly #coordinator: Coordinator;
  readonly #positions: GraphPositions;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #last = '';

  constructor(coordinator: Coordinator, positions: GraphPositions, waitTimeoutMs: number, log: Logger) {
    this.#coordinator = coordinator;
    this.#positions = positions;
    this.#log = log;
    this.#timer = setTimeout(() => this.#sayMissing(), waitTimeoutMs);
    this.#unsubscribe = coordinator.subscribe(({ kind }) => {
      if (kind === 'report') this.#show(coordinator.report());
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#unsubscribe();
  }

  #show(report: NetworkReport): void {
    for (const { message } of this.#portProblems()) this.#log.warnOnce(message, message);
    const ours = report.nodes.filter(({ state }) => state !== 'foreign');
    const live = ours.filter(({ state }) => state === 'live').length;
    const bound = report.edges.filter(({ state }) => state === 'live').length;
    const counts = `${live} of ${ours.length} roles live, ${bound} of ${report.edges.length} edges bound`;
    const line = report.isComplete ? `${counts}: the network is complete` : counts;
    if (line === this.#last) return;
    this.#last = line;
    this.#log.info(line);
    if (report.isComplete) void this.#sayForeign();
  }

  /** Somebody else's bindings are no business of ours, but they explain messages that the graph does not. */
  async #sayForeign(): Promise<void> {
    try {
      for (const { source, target } of await this.#coordinator.foreignBindings()) {
        const name = `${source} -> ${target}`;
        this.#log.warnOnce(`foreign ${name}`, `the binding ${name} was made by somebody else; it is left alone`);
      }
    } catch (error) {
      this.#log.debug(`the broker's bindings could not be listed: ${messageOf(error)}`);
    }
  }

  /** That a role is not there yet is progress; that it lacks a port is a mistake in the graph. */
  #portProblems(): readonly GraphProblem[] {
    const definitions = new Map(this.#coordinator.definitions().map((definition) => [definition.role, definition]));
    const portsOf = (role: Role) => {
      const definition = definitions.get(role);
      return (
        definition && {
          inports: definition.inports.map(({ id }) => id),
          outports: definition.outports.map(({ id }) => id),
        }
      );
    };
    return checkPorts(this.#coordinator.graph, portsOf, this.#positions);
  }

  #sayMissing(): void {
    const report = this.#coordinator.report();
    const places = { graph: this.#coordinator.graph, positions: this.#positions };
    for (const line of [...missingNodes(report, places), ...missingEdges(report, places)]) this.#log.warn(line);
  }
}
