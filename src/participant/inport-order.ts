import type { Inport } from './inport.js';

/** Inports by their `order`, lowest first; those of one list are alike. One list when none has an order. */
export function inOrder(inports: Iterable<Inport>): readonly (readonly Inport[])[] {
  const ports = [...inports];
  const orders = [...new Set(ports.map(({ order }) => order))].sort((one, other) => (one < other ? -1 : 1));
  return orders.map((each) => ports.filter(({ order }) => order === each));
}
