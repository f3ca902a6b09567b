import {
  type Edge,
  type EdgeEnd,
  type Graph,
  isVirtual,
  portKey,
  portNameIn,
  type ResolvedEdges,
  resolveEdges,
} from '../graph/index.js';
import { asPortName, type PortName, type PortRef, type Role } from '../names.js';
import type { EdgeEnds } from '../protocol/index.js';
import { groupBy } from '../support/index.js';

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
 * comes to, and goes from, the node in the end. Looked up when first asked for: a graph that is being edited is soon another.
 */
export class EdgeRoutes {
  readonly graph: Graph;
  readonly #virtual: ReadonlySet<Role>;
  #through: ReadonlyMap<Edge, Ends> | undefined;
  #exports: Pick<ResolvedEdges, 'inports' | 'outports'> | undefined;

  constructor(graph: Graph) {
    this.graph = graph;
    this.#virtual = new Set(graph.nodes.filter(isVirtual).map(({ role }) => role));
  }

  /** Each way once; none where nothing comes, or nothing is behind. */
  waysOf(edge: Edge): readonly Way[] {
    const { isDeadLetter, from: sources, to: targets } = this.#endsOf(edge);
    return sources.flatMap((from) => targets.map((to) => ({ isDeadLetter, from, to })));
  }

  /** Whose messages, or dead letters, go over an edge. */
  sourcesOf(edge: Edge): Pick<Ends, 'isDeadLetter' | 'from'> {
    return this.#endsOf(edge);
  }

  /** The inports behind an exported one; `undefined` when the graph has none of this name. */
  behindInport(name: string): readonly PortRef[] | undefined {
    const { inports } = this.graph;
    const wanted = portNameIn(this.graph, name);
    const port = inports.find((one) => one.name === name) ?? inports.find((one) => this.#named(one.name) === wanted);
    return port && this.#exported.inports.flatMap((one) => (one.name === port.name ? [one.to] : []));
  }

  /** The exported outports that a participant's outport is behind. */
  exportedBy(from: PortRef): readonly PortName[] {
    if (this.graph.outports.length === 0) return [];
    const key = portKey(this.named(from));
    return this.#exported.outports.flatMap((one) => (portKey(this.named(one.from)) === key ? [one.name] : []));
  }

  /** A port spelled as the graph does. */
  named<T extends EdgeEnd>(ref: T): T {
    return { ...ref, port: this.#named(ref.port) };
  }

  /** The edges of the graph that are meant, in whatever case. An end without an index means all indexes of its port. */
  edgesOf(meant: readonly EdgeEnds[]): readonly Edge[] {
    const byRole = groupBy(meant, ({ from }) => from.role);
    return this.graph.edges.filter(({ from, to }) => {
      return byRole.get(from.role)?.some((ends) => this.#isMeant(ends.from, from) && this.#isMeant(ends.to, to));
    });
  }

  #isMeant(meant: EdgeEnd, { role, port, index }: EdgeEnd): boolean {
    if (meant.role !== role || (meant.index !== undefined && meant.index !== index)) return false;
    return this.#named(meant.port) === this.#named(port);
  }

  #named(port: string): PortName {
    return portNameIn(this.graph, port);
  }

  #isAtVirtual({ from, to }: Edge): boolean {
    return this.#virtual.has(from.role) || this.#virtual.has(to.role);
  }

  #endsOf(edge: Edge): Ends {
    const { from, to } = edge;
    if (!this.#isAtVirtual(edge)) return { isDeadLetter: false, from: [bare(from)], to: [bare(to)] };
    this.#through ??= this.#resolveThrough();
    return this.#through.get(edge) ?? { isDeadLetter: false, from: [], to: [] };
  }

  get #exported(): Pick<ResolvedEdges, 'inports' | 'outports'> {
    this.#exports ??= resolveEdges({ ...this.graph, edges: this.#edgesAtVirtual(), iips: [] });
    return this.#exports;
  }

  #edgesAtVirtual(): readonly Edge[] {
    return this.graph.edges.filter((edge) => this.#isAtVirtual(edge));
  }

  /** What is behind one end of an edge is what would be behind a port exported there. */
  #resolveThrough(): ReadonlyMap<Edge, Ends> {
    const isOfLetters = ({ from }: Edge): boolean =>
      this.#virtual.has(from.role) && from.port.toLowerCase() === 'deadletter';
    const edges = this.#edgesAtVirtual();
    const named = edges.map((edge, index) => ({ edge, name: asPortName(String(index)) }));
    const { inports, outports } = resolveEdges({
      ...this.graph,
      edges,
      iips: [],
      inports: named.map(({ edge, name }) => ({ name, target: edge.to })),
      outports: named.map(({ edge, name }) => ({ name, target: edge.from })),
    });
    const fed = resolveEdges({
      ...this.graph,
      edges,
      iips: [],
      inports: named.map(({ edge, name }) => ({ name, target: { role: edge.from.role, port: asPortName('in') } })),
      outports: [],
    });
    const targets = groupBy(inports, ({ name }) => name);
    const sources = groupBy(outports, ({ name }) => name);
    const behind = groupBy(fed.inports, ({ name }) => name);
    return new Map(
      named.map(({ edge, name }) => {
        const isDeadLetter = isOfLetters(edge);
        const from = isDeadLetter
          ? (behind.get(name) ?? []).map(({ to }) => to)
          : (sources.get(name) ?? []).map((one) => one.from);
        return [edge, { isDeadLetter, from, to: (targets.get(name) ?? []).map(({ to }) => to) }];
      }),
    );
  }
}

const bare = ({ role, port }: PortRef): PortRef => ({ role, port });
