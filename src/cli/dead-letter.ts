import type { PortRef, QueueName } from '../names.js';
import { decodePayload, HEADER, type KeptLetter } from '../transport/index.js';

export interface Attempt {
  readonly atMs?: number;
  readonly error: string;
}

/** What is known of a dead letter; brokers and old libraries make some that say little. */
export interface LetterFacts {
  /** The inqueue that it was taken from. */
  readonly queue: QueueName;
  readonly key: string;
  readonly id?: string;
  readonly role?: string;
  readonly port?: string;
  readonly atMs?: number;
  readonly reason?: string;
  readonly error?: string;
  readonly stack?: string;
  /** Empty where nobody counted. */
  readonly attempts: readonly Attempt[];
  readonly component?: string;
  readonly participant?: string;
  readonly host?: string;
  readonly redriven: number;
  readonly bytes: number;
  /** Those of the message; what was added at its death is told above. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Where letters are kept: an inqueue, and the inport it belongs to, where somebody announced it. */
export interface LetterPlace {
  readonly queue: QueueName;
  readonly owner?: PortRef;
}

/** Added at the death of a message, by us or by RabbitMQ. */
const OF_DEATH = /^(msgflo-dead-|x-(first-|last-)?death|x-delivery-count$)/i;

/** Reads what the headers tell. Never throws: anybody may have written them. */
export function factsOf({ queue, owner }: LetterPlace, { key, body, headers }: KeptLetter): LetterFacts {
  const of = (name: string): string | undefined => headers[name] || undefined;
  const known = {
    id: of(HEADER.messageId),
    role: of(HEADER.deadRole) ?? owner?.role,
    port: of(HEADER.deadPort) ?? owner?.port,
    atMs: whole(of(HEADER.deadAt)),
    reason: of(HEADER.deadReason),
    error: of(HEADER.deadError),
    stack: of(HEADER.deadStack),
    component: of(HEADER.deadComponent),
    participant: of(HEADER.deadParticipant),
    host: of(HEADER.deadHost),
  };
  return {
    queue,
    key,
    ...present(known),
    attempts: attemptsOf(of(HEADER.deadAttempts)),
    redriven: whole(of(HEADER.redriven)) ?? 0,
    bytes: body.length,
    headers: ownHeaders(headers),
  };
}

/** The headers that the message had when it was alive. */
export function ownHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_DEATH.test(name)));
}

/** `role.port` where that is known, else the inqueue. */
export function placeName({ queue, role, port }: Pick<LetterFacts, 'queue' | 'role' | 'port'>): string {
  return role === undefined || port === undefined ? queue : `${role}.${port}`;
}

/** For programs: one object, with the payload when asked for; bytes that are no JSON as base64. */
export function jsonOf(facts: LetterFacts, body?: Buffer): object {
  const { atMs, attempts, ...rest } = facts;
  const data = body && decodePayload(body);
  const isJson = !Buffer.isBuffer(data) && jsonText(data) !== undefined;
  return {
    ...rest,
    ...(atMs === undefined ? {} : { at: timeOf(atMs) }),
    attempts: attempts.map(({ atMs: at, error }) => ({ ...(at === undefined ? {} : { at: timeOf(at) }), error })),
    ...(body && (isJson ? { data } : { base64: body.toString('base64') })),
  };
}

/** Undefined for what is nested too deeply to be written again. */
export function jsonText(data: unknown, indent?: number): string | undefined {
  try {
    return JSON.stringify(data, null, indent);
  } catch {
    return undefined;
  }
}

/** As ISO 8601; what is no time that can be written so, as it is. */
export function timeOf(atMs: number): string {
  const time = new Date(atMs);
  return Number.isNaN(time.getTime()) ? String(atMs) : time.toISOString();
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Those that there are. */
export function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function attemptsOf(text: string | undefined): readonly Attempt[] {
  if (text === undefined) return [];
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.map(attemptOf) : [];
  } catch {
    return [];
  }
}

function attemptOf(value: unknown): Attempt {
  const { at, error }: { readonly at?: unknown; readonly error?: unknown } = Object(value);
  return { ...(typeof at === 'number' ? { atMs: at } : {}), error: typeof error === 'string' ? error : '' };
}
