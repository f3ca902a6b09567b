import { deadLettersBehind, definitionOf } from './edges.js';
import type { Desired, Observed, WantedEdge } from './state.js';

/**
 * What is wanted, with the edges told apart that go from the dead letters of an inport (`worker DEAD_IN -> IN recover`):
 * that shows only when the ports of their participant are known. Nobody holds back messages for such an edge. They keep
 * their key, and `edgeStates` knows them by either name. O(edges); the same object where there are none.
 */
export function deadLettersTold(desired: Desired, observed: Observed): Desired {
  const edges = desired.edges.map((edge) => told(edge, desired, observed));
  return edges.every((edge, at) => edge === desired.edges[at]) ? desired : { ...desired, edges };
}

function told(edge: WantedEdge, { caseSensitive }: Desired, observed: Observed): WantedEdge {
  if (edge.kind === 'deadletter') return edge;
  const { role, port } = edge.from;
  const definition = definitionOf(observed, role);
  const inport = definition && deadLettersBehind(definition, port, caseSensitive);
  return inport ? { ...edge, kind: 'deadletter', from: { role, port: inport.id } } : edge;
}
