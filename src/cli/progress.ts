import type { Coordinator, NetworkReport } from '../coordinator/index.js';
import { checkPorts, type GraphPositions, type GraphProblem } from '../graph/index.js';
import type { Role } from '../names.js';
import type { Logger } from '../support/index.js';

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
    const { nodes, edges } = this.#coordinator.report();
    for (const { role, state, why } of nodes) {
      if (state !== 'live' && state !== 'foreign')
        this.#log.warn(`${this.#placeOf(role)}: role '${role}' is ${state}: ${why}`);
    }
    for (const { edge, state, why } of edges) {
      if (state === 'live') continue;
      const { from, to } = edge;
      const name = `${from.role} ${from.port} -> ${to.port} ${to.role}`;
      this.#log.warn(`${this.#placeOf(from.role, to.role)}: edge '${name}' is ${state}: ${why}`);
    }
  }

  /** Where a node stands, or an edge between two roles; the file alone where nodes between them were resolved away. */
  #placeOf(role: string, target?: string): string {
    const { nodes, edges } = this.#coordinator.graph;
    const edge =
      target === undefined ? undefined : edges.find(({ from, to }) => from.role === role && to.role === target);
    const part = edge ?? nodes.find((node) => node.role === (target ?? role));
    return part ? this.#positions.where(part) : this.#positions.path;
  }
}
