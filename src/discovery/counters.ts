import { messageOf } from '../errors.js';
import { asParticipantId, asRole, type ParticipantId, type Role } from '../names.js';
import { MAX_DISCOVERY_BYTES, MAX_NAME_CHARS } from './names.js';

/** Upper bounds in ms of the classes that durations are counted in; above the last there is one class more. */
export const DURATION_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000,
];

/** Durations so far: how many fell into each class (one more than there are bounds), and their sum in ms. */
export interface Durations {
  readonly counts: readonly number[];
  readonly sumMs: number;
}

/** Totals of an inport since the start of its participant; `taken` less `settled` is in hand. */
export interface InportCounters {
  readonly taken: number;
  readonly settled: number;
  /** Of the settled: those that became dead letters. The next four are absent where a participant does not count them. */
  readonly dead?: number;
  /** Attempts that failed and were to be repeated. */
  readonly retried?: number;
  /** From the creation of a message until it was taken, and how long process() took, each attempt for itself. */
  readonly waiting?: Durations;
  readonly working?: Durations;
  /** Messages that did not fit the schema of the port, where it has one that is checked. */
  readonly misfits?: number;
}

/** Totals of an outport since the start of its participant: what the broker confirmed, and what was dropped for want of a taker. */
export interface OutportCounters {
  readonly sent: number;
  readonly dropped: number;
  /** As of inports. */
  readonly misfits?: number;
}

/** What one participant has done so far, and whether it is at work. */
export interface Counters {
  readonly id: ParticipantId;
  readonly role: Role;
  /** By port, as it is announced. */
  readonly inports: Readonly<Record<string, InportCounters>>;
  readonly outports: Readonly<Record<string, OutportCounters>>;
  /** Messages and IIPs that were taken and are not settled. */
  readonly inHand: number;
  /** How often the connection to the broker was lost and came back; absent where it is not counted. */
  readonly reconnects?: number;
}

export type ReadCounters =
  | { readonly kind: 'counters'; readonly counters: Counters }
  | { readonly kind: 'invalid'; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

/** The body of the message that tells them. */
export function countersMessageOf(counters: Counters): Buffer {
  return Buffer.from(JSON.stringify({ protocol: 'discovery', command: 'counters', payload: counters }));
}

/** Reads a counters message. Never throws: a peer's garbage is an answer like any other. */
export function readCounters(body: Buffer): ReadCounters {
  try {
    if (body.length > MAX_DISCOVERY_BYTES) throw new WrongCounters(`has ${body.length} bytes`);
    return { kind: 'counters', counters: countersOf(JSON.parse(body.toString('utf8'))) };
  } catch (error) {
    return { kind: 'invalid', reason: `a counters message ${messageOf(error)}` };
  }
}

/** Found wrong while reading; goes no further than this file. */
class WrongCounters extends Error {}

function countersOf(message: unknown): Counters {
  const { protocol, command, payload } = objectOf(message, 'the whole');
  if (protocol !== 'discovery' || command !== 'counters') throw new WrongCounters('is of another protocol or command');
  const { id, role, inports, outports, inHand, reconnects } = objectOf(payload, 'payload');
  return {
    id: asParticipantId(nameOf(id, 'id')),
    role: asRole(nameOf(role, 'role')),
    inports: portsOf(inports, 'inports', (port, where) => ({
      taken: countOf(port.taken, `${where}.taken`),
      settled: countOf(port.settled, `${where}.settled`),
      ...(port.dead !== undefined && { dead: countOf(port.dead, `${where}.dead`) }),
      ...(port.retried !== undefined && { retried: countOf(port.retried, `${where}.retried`) }),
      ...(port.waiting !== undefined && { waiting: durationsOf(port.waiting, `${where}.waiting`) }),
      ...(port.working !== undefined && { working: durationsOf(port.working, `${where}.working`) }),
      ...misfitsOf(port, where),
    })),
    outports: portsOf(outports, 'outports', (port, where) => ({
      sent: countOf(port.sent, `${where}.sent`),
      dropped: countOf(port.dropped, `${where}.dropped`),
      ...misfitsOf(port, where),
    })),
    inHand: countOf(inHand, 'inHand'),
    ...(reconnects !== undefined && { reconnects: countOf(reconnects, 'reconnects') }),
  };
}

function misfitsOf({ misfits }: Fields, where: string): { misfits?: number } {
  return misfits === undefined ? {} : { misfits: countOf(misfits, `${where}.misfits`) };
}

function durationsOf(value: unknown, where: string): Durations {
  const { counts, sumMs } = objectOf(value, where);
  if (!Array.isArray(counts) || counts.length !== DURATION_BOUNDS_MS.length + 1)
    throw new WrongCounters(`is wrong: ${where}.counts must be a list of ${DURATION_BOUNDS_MS.length + 1}`);
  if (typeof sumMs !== 'number' || !(sumMs >= 0))
    throw new WrongCounters(`is wrong: ${where}.sumMs must be a number, not below zero`);
  return { counts: counts.map((count, at) => countOf(count, `${where}.counts.${at}`)), sumMs };
}

function portsOf<T>(value: unknown, where: string, read: (port: Fields, where: string) => T): Record<string, T> {
  const ports = Object.entries(objectOf(value, where)).map(([name, port]) => {
    const at = `${where}.${name}`;
    return [nameOf(name, where), read(objectOf(port, at), at)] as const;
  });
  return Object.fromEntries(ports);
}

function objectOf(value: unknown, where: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new WrongCounters(`is wrong: ${where} must be an object`);
  return value as Fields;
}

function nameOf(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME_CHARS)
    throw new WrongCounters(`is wrong: ${where} must be text of 1 to ${MAX_NAME_CHARS} characters`);
  return value;
}

function countOf(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new WrongCounters(`is wrong: ${where} must be a whole number`);
  return value;
}
