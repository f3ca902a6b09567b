import { randomUUID } from 'node:crypto';
import { errorNameOf, messageOf } from '../errors.js';
import type { QueueName } from '../names.js';
import type { DeadLetter, Delivery, Handler, Settlement } from './contract.js';
import { HEADER, isUnsendable, MAX_REASON_CHARS, sendable } from './headers.js';

type Headers = Readonly<Record<string, string>>;

const IDENTITY = [HEADER.messageId, HEADER.traceparent, HEADER.createdAt, HEADER.contentType, HEADER.priority];
const MAX_IDENTITY_CHARS = 255;
/** What the names of headers about a death begin with; `msgflo-redriven` is not one of them. */
const OF_DEATH = 'msgflo-dead-';

/**
 * The settlement that a handler comes to. Never rejects: a throw is a dead letter with the error's message, and so is
 * something returned that is no settlement (handlers may be written in plain JavaScript).
 */
export function runHandler(handler: Handler, delivery: Delivery): Promise<Settlement> {
  try {
    return Promise.resolve(handler(delivery)).then(checked, failed);
  } catch (error) {
    return Promise.resolve(failed(error));
  }
}

/**
 * The headers of a dead letter: those of the original, the verdict's own, the reason (cut), the inqueue and the time. A
 * message that was sent back from the dead letters and dies again says nothing of its earlier death.
 */
export function deadLetterHeaders(inqueue: QueueName, original: Headers, verdict: DeadLetter): Headers {
  const lasting = Object.entries(original).filter(([name]) => !name.startsWith(OF_DEATH));
  return {
    ...Object.fromEntries(lasting),
    ...Object.fromEntries(Object.entries(verdict.headers ?? {}).map(([name, value]) => [name, sendable(value)])),
    [HEADER.deadReason]: sendable(verdict.deadLetter.slice(0, MAX_REASON_CHARS)),
    [HEADER.deadQueue]: inqueue,
    [HEADER.deadAt]: String(Date.now()),
  };
}

/**
 * Of the headers of a message those that stay on its dead letter when the broker does not take them all: those by which
 * it is told from others, where they are short and cannot be the trouble themselves.
 */
export function identityOf(headers: Headers): Headers {
  const isFine = (value = ''): boolean => value !== '' && value.length <= MAX_IDENTITY_CHARS && !isUnsendable(value);
  return Object.fromEntries(IDENTITY.map((name) => [name, headers[name] ?? '']).filter(([, value]) => isFine(value)));
}

/** The headers to send: with message id and time of creation, made where missing. @throws {TypeError} for a value that is no text */
export function stamped(headers: Headers = {}): Headers {
  checkHeaders(headers);
  const id = headers[HEADER.messageId];
  const at = headers[HEADER.createdAt];
  if (id !== undefined && at !== undefined) return headers;
  // Copied one by one, which takes a twentieth of the time of a spread.
  const all: Record<string, string> = {};
  for (const name in headers) all[name] = headers[name] ?? '';
  all[HEADER.messageId] = id ?? randomUUID();
  all[HEADER.createdAt] = at ?? String(Date.now());
  return all;
}

/** @throws {TypeError} for a value that is no text */
export function checkHeaders(headers: Headers = {}): void {
  for (const name in headers)
    if (typeof headers[name] !== 'string') throw new TypeError(`the header '${name}' is no text`);
}

/** @throws {RangeError} unless `prefetch` is a whole number from 1 to 65,535. */
export function checkPrefetch(prefetch: number): void {
  if (!Number.isInteger(prefetch) || prefetch < 1 || prefetch > 65_535)
    throw new RangeError(`prefetch must be a whole number from 1 to 65535, got ${prefetch}`);
}

function checked(settlement: Settlement): Settlement {
  try {
    checkSettlement(settlement);
    return settlement;
  } catch (error) {
    const given: Partial<Settlement> | null | undefined = settlement;
    if (typeof given?.settled !== 'function') return failed(error);
    return { ...failed(error), settled: () => given.settled?.(false) };
  }
}

function failed(error: unknown): Settlement {
  const headers = { [HEADER.deadError]: errorNameOf(error) };
  return { verdict: { deadLetter: messageOf(error), headers }, outputs: [] };
}

function checkSettlement({ verdict, outputs, settled }: Settlement): void {
  if (settled !== undefined && typeof settled !== 'function') throw new TypeError("'settled' is no function");
  const isVerdict = verdict === 'ack' || verdict === 'requeue' || typeof verdict.deadLetter === 'string';
  if (!isVerdict) throw new TypeError(`'${String(verdict)}' is no verdict: 'ack', 'requeue' or { deadLetter: reason }`);
  if (typeof verdict === 'object') checkHeaders(verdict.headers);
  for (const { outqueue, headers } of outputs) {
    if (typeof outqueue !== 'string' || outqueue === '') throw new TypeError('an output names no outqueue');
    checkHeaders(headers);
  }
}
