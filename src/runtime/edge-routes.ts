import {
  type Edge,
  type EdgeEnd,
  edgeKey,
  type Graph,
  isVirtual,
  portKey,
  portNameIn,
  resolveEdges,
} from '../graph/index.js';
import { asPortName, type PortName, type PortRef } from '../names.js';
import type { EdgeEnds } from '../protocol/index.js';

/** One way of an edge between participants. `from` is an inport where what goes over the edge are its dead letters. */
export interface Way {
  readonly isDeadLetter: boolean;
  readonly from: PortRef;
  readonly to: PortRef;
}

/** Where messages of an edge come from, and where they go. */
interface Ends {
  readonly isDeadLetter: boolean;
  readonly from: readonly PortRef[];
  readonly to: readonly PortRef[];
}

/**
 * Which participants' ports the edges of a graph stand for. An edge at a node like `msgflo/RoundRobin` stands for all that
 * comes to, and goes from, the node in the end.
 */
export class EdgeRoutes {
  readonly graph: Graph;
  readonly #ends: ReadonlyMap<Edge, Ends>;
  readonly #exported: ReadonlyMap<string, readonly PortName[]>;
  /** Exported inports to what is behind them, by the name as the graph has it. */
  readonly #inports: ReadonlyMap<string, readonly PortRef[]>;

  /** @throws {GraphCycleError} when virtual nodes feed each other in a circle. O(nodes + edges) where there are none */
  constructor(graph: Graph) {
    this.graph = graph;
    this.#ends = endsOf(graph);
    const { inports, outports } = resolveEdges({ ...graph, edges: needed(graph) });
    this.#inports = collect(inports.map(({ name, to }) => [name, to]));
    this.#exported = collect(outports.map(({ name, from }) => [portKey(from), name]));
  }

  /** Each way once; none where nothing comes, or nothing is behind. */
  waysOf(edge: Edge): readonly Way[] {
    const ends = this.#ends.get(edge);
    if (!ends) return [];
    const { isDeadLetter } = ends;
    return ends.from.flatMap((from) => ends.to.map((to) => ({ isDeadLetter, from, to })));
  }

  /** Whose messages, or dead letters, go over an edge. */
  sourcesOf(edge: Edge): Pick<Ends, 'isDeadLetter' | 'from'> {
    return this.#ends.get(edge) ?? { isDeadLetter: false, from: [] };
  }

  /** The inports behind an exported one; `undefined` when the graph has none of this name. */
  behindInport(name: string): readonly PortRef[] | undefined {
    const same = (one: string): boolean => portNameIn(this.graph, one) === portNameIn(this.graph, name);
    const port =
      this.graph.inports.find((one) => one.name === name) ?? this.graph.inports.find((one) => same(one.name));
    return port && (this.#inports.get(port.name) ?? []);
  }

  /** The exported outports that a participant's outport is behind. */
  exportedBy(from: PortRef): readonly PortName[] {
    return this.#exported.get(portKey(this.named(from))) ?? [];
  }

  /** A port spelled as the graph does. */
  named<T extends EdgeEnd>(ref: T): T {
    return { ...ref, port: portNameIn(this.graph, ref.port) };
  }

  /** The edges of the graph that are meant, in whatever case. An end without an index means all indexes of its port. */
  edgesOf(meant: readonly EdgeEnds[]): readonly Edge[] {
    const keys = new Set(meant.map((ends) => edgeKey(this.#named(ends))));
    return this.graph.edges.filter((edge) => {
      const { from, to } = this.#named(edge);
      return [from, bare(from)].some((one) =>
        [to, bare(to)].some((other) => keys.has(edgeKey({ from: one, to: other }))),
      );
    });
  }

  #named({ from, to }: EdgeEnds): EdgeEnds {
    return { from: this.named(from), to: this.named(to) };
  }
}

function endsOf(graph: Graph): ReadonlyMap<Edge, Ends> {
  const virtual = new Set(graph.nodes.filter(isVirtual).map(({ role }) => role));
  const { edges } = graph;
  // What is behind one end of an edge is what would be behind a port exported there.
  const ports = edges.map((edge, index) => ({ ...edge, name: asPortName(String(index)) }));
  const isOfLetters = ({ from }: Edge): boolean => virtual.has(from.role) && from.port.toLowerCase() === 'deadletter';
  const isAtVirtual = ({ from, to }: Edge): boolean => virtual.has(from.role) || virtual.has(to.role);
  const through = ports.filter(isAtVirtual);
  const letters = through.filter(isOfLetters);
  const resolved =
    through.length === 0
      ? undefined
      : resolveEdges({
          ...graph,
          inports: through.map(({ name, to }) => ({ name, target: to })),
          outports: through.map(({ name, from }) => ({ name, target: from })),
        });
  const fed =
    letters.length === 0
      ? undefined
      : resolveEdges({
          ...graph,
          inports: letters.map(({ name, from }) => ({ name, target: { role: from.role, port: asPortName('in') } })),
          outports: [],
        });
  const targets = collect(resolved?.inports.map(({ name, to }) => [name, to]));
  const sources = collect(resolved?.outports.map(({ name, from }) => [name, from]));
  const lettersOf = collect(fed?.inports.map(({ name, to }) => [name, to]));
  return new Map(
    ports.map((port, index): [Edge, Ends] => {
      const edge = edges[index] ?? port;
      if (!isAtVirtual(port)) return [edge, { isDeadLetter: false, from: [bare(port.from)], to: [bare(port.to)] }];
      const isDeadLetter = isOfLetters(port);
      const from = (isDeadLetter ? lettersOf : sources).get(port.name) ?? [];
      return [edge, { isDeadLetter, from, to: targets.get(port.name) ?? [] }];
    }),
  );
}

/** The edges that matter for exported ports: those at virtual nodes. */
function needed(graph: Graph): readonly Edge[] {
  const virtual = new Set(graph.nodes.filter(isVirtual).map(({ role }) => role));
  if (virtual.size === 0) return [];
  return graph.edges.filter(({ from, to }) => virtual.has(from.role) || virtual.has(to.role));
}

const bare = ({ role, port }: PortRef): PortRef => ({ role, port });

function collect<T>(pairs: readonly (readonly [string, T])[] = []): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const [key, value] of pairs) {
    const values = found.get(key);
    if (values) values.push(value);
    else found.set(key, [value]);
  }
  return found;
}
