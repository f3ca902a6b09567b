import { messageOf } from '../errors.js';
import { asParticipantId, asRole, type ParticipantId, type Role } from '../names.js';
import { MAX_DISCOVERY_BYTES, MAX_NAME_CHARS } from './names.js';

/** Totals of an inport since the start of its participant; `taken` less `settled` is in hand. */
interface InportCounters {
  readonly taken: number;
  readonly settled: number;
}

/** Totals of an outport since the start of its participant: what the broker confirmed, and what was dropped for want of a taker. */
interface OutportCounters {
  readonly sent: number;
  readonly dropped: number;
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
  const { id, role, inports, outports, inHand } = objectOf(payload, 'payload');
  return {
    id: asParticipantId(nameOf(id, 'id')),
    role: asRole(nameOf(role, 'role')),
    inports: portsOf(inports, 'inports', (port, where) => ({
      taken: countOf(port.taken, `${where}.taken`),
      settled: countOf(port.settled, `${where}.settled`),
    })),
    outports: portsOf(outports, 'outports', (port, where) => ({
      sent: countOf(port.sent, `${where}.sent`),
      dropped: countOf(port.dropped, `${where}.dropped`),
    })),
    inHand: countOf(inHand, 'inHand'),
  };
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
