import type { PortName, PortRef, Role } from '../names.js';
import { GraphCycleError } from './errors.js';
import type { Edge, Graph, Iip } from './model.js';
import { type BindingKind, virtualNodes } from './virtual.js';

/** What connects two participants. */
export interface ResolvedEdge {
  readonly from: PortRef;
  readonly to: PortRef;
  readonly kind: BindingKind;
}

/** Where what is dead-lettered on an inport goes. */
export interface DeadLetterEdge {
  readonly deadLettersOf: PortRef;
  readonly to: PortRef;
}

/** A graph's connections with its virtual nodes resolved away, each once and without array indexes. */
export interface ResolvedEdges {
  readonly edges: readonly ResolvedEdge[];
  readonly deadLetters: readonly DeadLetterEdge[];
  /** In order; IIPs for a virtual node go to everything behind it. */
  readonly iips: readonly { readonly data: unknown; readonly to: PortRef }[];
  readonly inports: readonly { readonly name: PortName; readonly to: PortRef }[];
  readonly outports: readonly { readonly name: PortName; readonly from: PortRef }[];
}

/**
 * What is to be bound. A way through any `msgflo/RoundRobin` is a round-robin binding, one through `msgflo/PubSub` alone a
 * pubsub binding. Edges at ports that virtual nodes do not have are passed over: `validateGraph` reports them.
 * @throws {GraphCycleError} when virtual nodes feed each other in a circle.
 */
export function resolveEdges(graph: Graph): ResolvedEdges {
  return new Resolver(graph).resolve();
}

interface Target {
  readonly to: PortRef;
  readonly kind: BindingKind;
}

class Resolver {
  readonly #graph: Graph;
  readonly #virtual: ReadonlyMap<Role, BindingKind>;
  readonly #outgoing = new Map<Role, Edge[]>();
  readonly #incoming = new Map<Role, Edge[]>();
  readonly #targets = new Map<Role, readonly Target[]>();
  readonly #sources = new Map<Role, readonly PortRef[]>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#virtual = virtualNodes(graph);
    for (const edge of graph.edges) {
      if (this.#virtual.has(edge.from.role)) listIn(this.#outgoing, edge.from.role).push(edge);
      if (this.#virtual.has(edge.to.role)) listIn(this.#incoming, edge.to.role).push(edge);
    }
  }

  resolve(): ResolvedEdges {
    for (const role of this.#virtual.keys()) this.#behind(role, []); // finds cycles that nothing feeds, too
    const edges = this.#graph.edges
      .filter(({ from }) => !this.#virtual.has(from.role))
      .flatMap(({ from, to }) => this.#reach(to).map((target) => ({ from: bare(from), ...target })));
    return {
      edges: strongest(edges),
      deadLetters: unique(this.#deadLetters(), ({ deadLettersOf, to }) => [deadLettersOf, to]),
      iips: this.#graph.iips.flatMap(({ data, to }: Iip) => this.#reach(to).map((target) => ({ data, to: target.to }))),
      inports: this.#graph.inports.flatMap(({ name, target }) => this.#reach(target).map(({ to }) => ({ name, to }))),
      outports: this.#graph.outports.flatMap(({ name, target }) =>
        this.#origins(target).map((from) => ({ name, from })),
      ),
    };
  }

  #deadLetters(): DeadLetterEdge[] {
    return [...this.#virtual].flatMap(([role, kind]) => {
      if (kind !== 'roundrobin') return [];
      const letters = this.#edgesFrom(role, 'deadletter').flatMap((edge) => this.#reach(edge.to));
      return this.#behind(role, []).flatMap((fed) => letters.map(({ to }) => ({ deadLettersOf: fed.to, to })));
    });
  }

  #reach(to: Edge['to'], path: readonly Role[] = []): readonly Target[] {
    if (!this.#virtual.has(to.role)) return [{ to: bare(to), kind: 'pubsub' }];
    return isPort(to.port, 'in') ? this.#behind(to.role, path) : [];
  }

  /** What a virtual node's `out` feeds in the end. */
  #behind(role: Role, path: readonly Role[]): readonly Target[] {
    const known = this.#targets.get(role);
    if (known) return known;
    if (path.includes(role)) throw new GraphCycleError([...path.slice(path.indexOf(role)), role]);
    const here = [...path, role];
    const own = this.#virtual.get(role);
    const reached = this.#edgesFrom(role, 'out').flatMap(({ to }) => this.#reach(to, here));
    const targets = strongest(reached.map(({ to, kind }) => ({ to, kind: own === 'roundrobin' ? own : kind })));
    this.#targets.set(role, targets);
    return targets;
  }

  /** The real outports that feed a port of the graph's; cycles were found before. */
  #origins(from: Edge['from']): readonly PortRef[] {
    if (!this.#virtual.has(from.role)) return [bare(from)];
    if (!isPort(from.port, 'out')) return [];
    const known = this.#sources.get(from.role);
    if (known) return known;
    const feeding = (this.#incoming.get(from.role) ?? []).filter(({ to }) => isPort(to.port, 'in'));
    const origins = unique(
      feeding.flatMap((edge) => this.#origins(edge.from)),
      (ref) => ref,
    );
    this.#sources.set(from.role, origins);
    return origins;
  }

  #edgesFrom(role: Role, port: string): Edge[] {
    return (this.#outgoing.get(role) ?? []).filter(({ from }) => isPort(from.port, port));
  }
}

const bare = ({ role, port }: PortRef): PortRef => ({ role, port });

const isPort = (port: PortName, name: string): boolean => port.toLowerCase() === name;

/** Each way once. Where both kinds lead there, round robin was asked for expressly. */
function strongest<T extends { readonly from?: PortRef; readonly to: PortRef; readonly kind: BindingKind }>(
  ways: readonly T[],
): T[] {
  const found = new Map<string, T>();
  for (const way of ways) {
    const key = JSON.stringify([way.from, way.to]);
    if (!found.has(key) || way.kind === 'roundrobin') found.set(key, way);
  }
  return [...found.values()];
}

function unique<T>(items: readonly T[], keyOf: (item: T) => unknown): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(keyOf(item)), item])).values()];
}

function listIn<T>(lists: Map<Role, T[]>, key: Role): T[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
