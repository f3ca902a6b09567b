import { randomUUID } from 'node:crypto';
import { messageOf } from '../errors.js';
import type { QueueName } from '../names.js';
import { Backoff } from '../support/index.js';
import type { DeadLetter, Delivery, Handler, Settlement } from './contract.js';
import { UnroutedError } from './errors.js';
import { HEADER, MAX_REASON_CHARS } from './headers.js';

type Headers = Readonly<Record<string, string>>;

/** The settlement that a handler comes to. Never rejects: a throw is a dead letter with the error's message. */
export async function runHandler(handler: Handler, delivery: Delivery): Promise<Settlement> {
  try {
    return await handler(delivery);
  } catch (error) {
    const headers = { [HEADER.deadError]: error instanceof Error ? error.name : typeof error };
    return { verdict: { deadLetter: messageOf(error), headers }, outputs: [] };
  }
}

/** The headers of a dead letter: those of the original, the verdict's own, the reason (cut) and the inqueue. */
export function deadLetterHeaders(inqueue: QueueName, original: Headers, verdict: DeadLetter): Headers {
  return {
    ...original,
    ...verdict.headers,
    [HEADER.deadReason]: verdict.deadLetter.slice(0, MAX_REASON_CHARS),
    [HEADER.deadQueue]: inqueue,
  };
}

/** The headers to send: with a `message-id`, made where it is missing. */
export function withMessageId(headers: Headers = {}): Headers {
  return headers[HEADER.messageId] === undefined ? { ...headers, [HEADER.messageId]: randomUUID() } : headers;
}

/**
 * Sends a mandatory message again, from 50 ms doubling to 2 s apart, for as long as nobody takes it.
 * Rejects with the signal's reason when it aborts, and with any other error of `send`.
 */
export async function sendUntilRouted(send: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff(50, 2000);
  for (;;) {
    signal.throwIfAborted();
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof UnroutedError)) throw error;
      await backoff.wait(signal);
    }
  }
}
