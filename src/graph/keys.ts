import { asPortName, type PortName, type PortRef } from '../names.js';
import { canonicalJson } from '../support/index.js';
import type { Edge, Iip } from './model.js';

type Addressed = PortRef & { readonly index?: number };

const endKey = ({ role, port, index }: Addressed): unknown[] => [role, port, index ?? null];

/** Equal for edges between the same ports. For maps and sets; never parsed back. */
export const edgeKey = (edge: Pick<Edge, 'from' | 'to'>): string =>
  JSON.stringify([...endKey(edge.from), ...endKey(edge.to)]);

/** Equal for IIPs of equal data to the same port; a graph may hold several of one key. */
export const iipKey = (iip: Pick<Iip, 'data' | 'to'>): string =>
  JSON.stringify([...endKey(iip.to), canonicalJson(iip.data)]);

/** Equal for the same place on a port, index included. */
export const portKey = (ref: Addressed): string => JSON.stringify(endKey(ref));

/** A port's name as a graph holds it: in lower case unless the graph is case-sensitive. */
export const portNameIn = (graph: { readonly caseSensitive: boolean }, text: string): PortName =>
  asPortName(graph.caseSensitive ? text : text.toLowerCase());
