import type { NetworkReport } from '../coordinator/index.js';
import type { Graph, GraphPositions } from '../graph/index.js';

/** Where the lines of what is missing find the places of things. */
export interface Places {
  readonly graph: Graph;
  readonly positions: GraphPositions;
}

/** A line for every node of the graph that is not live: where it stands, and why it is not. */
export function missingNodes({ nodes }: NetworkReport, places: Places): readonly string[] {
  return nodes.flatMap(({ role, state, why }) => {
    if (state === 'live' || state === 'foreign') return [];
    return [`${placeOf(places, role)}: role '${role}' is ${state}: ${why ?? 'nobody has announced it'}`];
  });
}

/** The same for edges that nothing goes over. */
export function missingEdges({ edges }: NetworkReport, places: Places): readonly string[] {
  return edges.flatMap(({ edge: { from, to }, state, why }) => {
    if (state === 'live') return [];
    const name = `${from.role} ${from.port} -> ${to.port} ${to.role}`;
    return [`${placeOf(places, from.role, to.role)}: edge '${name}' is ${state}: ${why ?? 'it is not planned yet'}`];
  });
}

/** Where a node stands, or an edge between two roles; the file alone where nodes between them were resolved away. */
function placeOf({ graph, positions }: Places, role: string, target?: string): string {
  const { nodes, edges } = graph;
  const edge =
    target === undefined ? undefined : edges.find(({ from, to }) => from.role === role && to.role === target);
  const part = edge ?? nodes.find((node) => node.role === (target ?? role));
  return part ? positions.where(part) : positions.path;
}
