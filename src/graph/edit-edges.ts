import { overlaid, withoutNullMetadata } from './decorated.js';
import type { EdgeEnd, Edit, Edited, EditOf } from './edit.js';
import { knownPort, mayMean, sameEnd } from './edit-checks.js';
import { EditRefusedError, GraphCycleError } from './errors.js';
import type { Edge, Graph } from './model.js';
import { resolveEdges } from './resolve.js';
import { isVirtual, virtualNodes } from './virtual.js';

type Ends = Pick<Edge, 'from' | 'to'>;

export function addEdge(graph: Graph, edit: EditOf<'add-edge'>): Edited {
  const edge = withoutNullMetadata(edit.edge);
  const from = knownPort(graph, edge.from, 'outport', edit);
  const to = knownPort(graph, edge.to, 'inport', edit);
  if (graph.edges.some((one) => sameEnds(one, edge)))
    throw new EditRefusedError(edit, 'the graph has this edge already');
  const edited = { ...graph, edges: [...graph.edges, edge] };
  if (isVirtual(from) && isVirtual(to)) checkCycle(edited, edit);
  return { graph: edited, changes: [{ do: 'add-edge', edge }] };
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

/** A circle consists of nothing but edges between virtual nodes, so a look at those is enough. */
function checkCycle(graph: Graph, edit: Edit): void {
  const virtual = virtualNodes(graph);
  const nodes = graph.nodes.filter(isVirtual);
  const edges = graph.edges.filter(({ from, to }) => virtual.has(from.role) && virtual.has(to.role));
  try {
    resolveEdges({ ...graph, nodes, edges, iips: [], inports: [], outports: [] });
  } catch (error) {
    if (!(error instanceof GraphCycleError)) throw error;
    throw new EditRefusedError(edit, error.message);
  }
}
