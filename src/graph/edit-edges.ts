import { overlaid, withoutNullMetadata } from './decorated.js';
import type { EdgeEnd, Edit, Edited, EditOf } from './edit.js';
import { knownPort, mayMean, sameEnd } from './edit-checks.js';
import { EditRefusedError, GraphCycleError } from './errors.js';
import type { Edge, Graph } from './model.js';
import { isVirtual, wayThroughVirtual } from './virtual.js';

type Ends = Pick<Edge, 'from' | 'to'>;

export function addEdge(graph: Graph, edit: EditOf<'add-edge'>): Edited {
  const edge = withoutNullMetadata(edit.edge);
  const from = knownPort(graph, edge.from, 'outport', edit);
  const to = knownPort(graph, edge.to, 'inport', edit);
  if (graph.edges.some((one) => sameEnds(one, edge)))
    throw new EditRefusedError(edit, 'the graph has this edge already');
  if (isVirtual(from) && isVirtual(to)) checkCircle(graph, edge, edit);
  return { graph: { ...graph, edges: [...graph.edges, edge] }, changes: [{ do: 'add-edge', edge }] };
}

/** An edge that a file gives twice goes as one. */
export function removeEdge(graph: Graph, edit: EditOf<'remove-edge'>): Edited {
  const { from, to } = meantEdge(graph, edit);
  const edges = graph.edges.filter((edge) => !sameEnds(edge, { from, to }));
  return { graph: { ...graph, edges }, changes: [{ do: 'remove-edge', from, to }] };
}

export function changeEdge(graph: Graph, edit: EditOf<'change-edge'>): Edited {
  const edge = meantEdge(graph, edit);
  const { from, to } = edge;
  const changed = overlaid(edge, edit.metadata);
  const changes: Edit[] = [{ do: 'change-edge', from, to, metadata: changed.metadata ?? {} }];
  if (changed === edge) return { graph, changes };
  return { graph: { ...graph, edges: graph.edges.map((one) => (one === edge ? changed : one)) }, changes };
}

/** The very edge; else, of those that an editor without indexes may mean, the latest. */
function meantEdge({ edges }: Graph, edit: Edit & { readonly from: EdgeEnd; readonly to: EdgeEnd }): Edge {
  const edge =
    edges.find((one) => sameEnds(one, edit)) ??
    edges.findLast((one) => mayMean(edit.from, one.from) && mayMean(edit.to, one.to));
  if (!edge) throw new EditRefusedError(edit, 'the graph has no such edge');
  return edge;
}

const sameEnds = (a: Ends, b: Ends): boolean => sameEnd(a.from, b.from) && sameEnd(a.to, b.to);

/** Dead letters go round no circle: only what comes out at `out` is passed on. */
function checkCircle(graph: Graph, { from, to }: Edge, edit: Edit): void {
  const way = from.port.toLowerCase() === 'out' ? wayThroughVirtual(graph, to.role, from.role) : undefined;
  if (way) throw new EditRefusedError(edit, new GraphCycleError([from.role, ...way]).message);
}
