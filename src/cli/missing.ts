import type { NetworkReport } from '../coordinator/index.js';
import type { Graph, GraphPositions } from '../graph/index.js';
import type { PortRef, Role } from '../names.js';

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
    return [`${placeOfEdge(places, from, to)}: edge '${name}' is ${state}: ${why ?? 'it is not planned yet'}`];
  });
}

/** Where a node stands. */
function placeOf({ graph, positions }: Places, role: Role): string {
  const node = graph.nodes.find((one) => one.role === role);
  return node ? positions.where(node) : positions.path;
}

/** Where an edge stands; where nodes between its ends were resolved away, its target. */
function placeOfEdge({ graph, positions }: Places, from: PortRef, to: PortRef): string {
  const isPort = (one: PortRef, other: PortRef): boolean => one.role === other.role && one.port === other.port;
  const edge = graph.edges.find((one) => isPort(one.from, from) && isPort(one.to, to));
  return edge ? positions.where(edge) : placeOf({ graph, positions }, to.role);
}
