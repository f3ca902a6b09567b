import { type EngineLetter, type EngineRecord, EngineRefusedError } from '../engine/index.js';
import { MsgfloError } from '../errors.js';
import { readHeaders } from '../log/index.js';
import { WireError } from '../log/wire/index.js';

/** What a request is answered with where there is more to say than that it was done. */
export interface Answer {
  readonly head: object;
  readonly bodies?: readonly Buffer[];
}

/** None is answered by `ok`: the round is over. */
export function letterAnswer(letter: EngineLetter | undefined): Answer | undefined {
  return letter && { head: { key: letter.key, headers: readHeaders(letter.headers).headers }, bodies: [letter.body] };
}

/** None is answered by `ok`: there is no more. */
export function pageAnswer(page: readonly EngineRecord[] | undefined): Answer | undefined {
  if (!page) return undefined;
  const messages = page.map(({ id, timestampMs, headers, body }) => {
    return { id, ms: timestampMs, headers: readHeaders(headers).headers, bytes: body.length };
  });
  return { head: { messages }, bodies: page.map(({ body }) => body) };
}

/** What is told of a request that was refused; undefined for what ends the connection. */
export function refusalOf(error: unknown): object | undefined {
  if (error instanceof EngineRefusedError) {
    const { refusal: why, queue, message: text } = error;
    return { why, queue, text };
  }
  // What the log refuses, for want of room on the disk for example, is no fault of the client.
  const isOfLog = error instanceof MsgfloError && !(error instanceof WireError);
  return isOfLog ? { why: 'refused', queue: '', text: error.message } : undefined;
}
