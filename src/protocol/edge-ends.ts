import { type EdgeEnd, type Graph, portNameIn } from '../graph/index.js';
import { asRole } from '../names.js';
import { RequestError } from './errors.js';

/** One end of an edge, as it is on the wire. */
export interface EndMessage {
  readonly node: string;
  readonly port: string;
  /** Of an array port. Some clients send it as text, some send null for none. */
  readonly index?: number | string | null;
}

/**
 * The end as the graph holds it, its port spelled as the graph spells ports.
 * @throws {RequestError} if the index is no whole number
 */
export function endOf({ node, port, index }: EndMessage, graph: Pick<Graph, 'caseSensitive'>): EdgeEnd {
  const end = { role: asRole(node), port: portNameIn(graph, port) };
  if (index === undefined || index === null) return end;
  return { ...end, index: wholeNumber(index) };
}

export function endMessage({ role, port, index }: EdgeEnd): EndMessage {
  return { node: role, port, ...(index !== undefined && { index }) };
}

function wholeNumber(index: number | string): number {
  const number = typeof index === 'number' ? index : /^\d{1,15}$/.test(index) ? Number(index) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new RequestError('the index of a port must be a whole number');
}
