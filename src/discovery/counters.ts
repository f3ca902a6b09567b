import { asParticipantId, asRole, type ParticipantId, type Role } from '../names.js';
import { MAX_DISCOVERY_BYTES } from './names.js';

/** The notice on which participants of ours tell what they have done so far. */
export const COUNTERS_NOTICE = 'fbp.counters';

/** What a participant has done since it began; numbers of messages. By the names of its ports. */
export interface Counters {
  readonly id: ParticipantId;
  readonly role: Role;
  readonly inports: Readonly<Record<string, { readonly taken: number; readonly settled: number }>>;
  readonly outports: Readonly<Record<string, { readonly sent: number; readonly dropped: number }>>;
  /** Taken and not settled; IIPs too. */
  readonly inHand: number;
}

export type ReadCounters =
  | { readonly kind: 'counters'; readonly counters: Counters }
  | { readonly kind: 'invalid'; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

/** The body of the notice. */
export function countersMessageOf(counters: Counters): Buffer {
  return Buffer.from(JSON.stringify({ protocol: 'discovery', command: 'counters', payload: counters }));
}

/** Reads the notice. Never throws. */
export function readCounters(body: Buffer): ReadCounters {
  const payload = payloadOf(body);
  if (payload === undefined) return { kind: 'invalid', reason: 'a counters message is no such message' };
  const { id, role, inHand } = payload;
  if (typeof id !== 'string' || typeof role !== 'string')
    return { kind: 'invalid', reason: 'a counters message gives no id or role' };
  const inports = tableOf(payload.inports, ['taken', 'settled']);
  const outports = tableOf(payload.outports, ['sent', 'dropped']);
  if (!inports || !outports || !isCount(inHand)) {
    return { kind: 'invalid', reason: `the counters of participant '${id}' are no numbers of messages` };
  }
  return {
    kind: 'counters',
    counters: { id: asParticipantId(id), role: asRole(role), inports, outports, inHand },
  };
}

function payloadOf(body: Buffer): Fields | undefined {
  if (body.length > MAX_DISCOVERY_BYTES) return undefined;
  try {
    const message: unknown = JSON.parse(body.toString('utf8'));
    return isObject(message) && message.command === 'counters' && isObject(message.payload)
      ? message.payload
      : undefined;
  } catch {
    return undefined;
  }
}

function tableOf<K extends string>(value: unknown, keys: readonly K[]): Record<string, Record<K, number>> | undefined {
  if (!isObject(value)) return undefined;
  const table: Record<string, Record<K, number>> = {};
  for (const [port, row] of Object.entries(value)) {
    if (!isObject(row) || !keys.every((key) => isCount(row[key]))) return undefined;
    table[port] = Object.fromEntries(keys.map((key) => [key, row[key]])) as Record<K, number>;
  }
  return table;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
