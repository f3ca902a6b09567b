import { asQueueName, type QueueName } from '../../names.js';
import type { Incoming, Publication } from './session.js';

/** Who takes from an inqueue, as it is kept at the broker: what of it is subscribed to under the client id of its slot. */
export interface Taker {
  readonly inqueue: QueueName;
  /** The slot, or a name that nobody has again. */
  readonly name: string;
  /** Its session outlives it, so that those who send there must reckon with it also while it is away. */
  readonly isKept: boolean;
  /** Topic filters with `$share`; none when it takes no more. */
  readonly filters: readonly string[];
}

const TAKERS = 'msgflo/takers';

/** All there are. */
export const ALL_TAKERS = `${TAKERS}/+/+`;
export const takersOf = (inqueue: QueueName): string => `${TAKERS}/${encodeURIComponent(inqueue)}/+`;

/** What the broker keeps, or only passes on, for those who send to the inqueue and for the router. */
export function takerPublication({ inqueue, name, isKept, filters }: Taker): Publication {
  const payload = filters.length === 0 ? Buffer.alloc(0) : Buffer.from(JSON.stringify({ taker: 1, isKept, filters }));
  return { topic: `${TAKERS}/${encodeURIComponent(inqueue)}/${encodeURIComponent(name)}`, payload, retain: isKept };
}

/** Undefined for somebody else's message. */
export function readTaker({ topic, payload }: Pick<Incoming, 'topic' | 'payload'>): Taker | undefined {
  const [inqueue = '', name = ''] = topic.slice(TAKERS.length + 1).split('/');
  try {
    const read = { inqueue: asQueueName(decodeURIComponent(inqueue)), name: decodeURIComponent(name) };
    if (payload.length === 0) return { ...read, isKept: false, filters: [] };
    const { isKept, filters } = JSON.parse(payload.toString()) as Readonly<Record<string, unknown>>;
    if (!Array.isArray(filters)) return undefined;
    return { ...read, isKept: isKept === true, filters: filters.filter((filter) => typeof filter === 'string') };
  } catch {
    return undefined;
  }
}
