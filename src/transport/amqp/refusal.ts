import { type MsgfloError, messageOf } from '../../errors.js';
import { asQueueName, type QueueName } from '../../names.js';
import { QueueMismatchError, QueueNotFoundError, RefusedError } from '../index.js';

/** What the broker said when it closed a channel. The damage is that channel; the connection lives on. */
export interface Refusal {
  /** An AMQP reply code: 403, 404, 405, 406 ... */
  readonly code: number;
  readonly text: string;
  /** The queue or exchange that a 403, 404, 405 or 406 names. */
  readonly subject?: string;
}

const SUBJECT = /(?:queue|exchange) '([^']*)' in vhost/;

const DIFFERENT = /inequivalent arg '([^']*)' for .*: received (.*) but current is (.*)/s;

/** What the broker refused, or undefined when the error is something else, such as a connection that was lost. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return undefined;
  const text = /\d{3} \([\w-]+\) with message "(.*)"/s.exec(error.message)?.[1] ?? error.message;
  const subject = SUBJECT.exec(text)?.[1];
  return { code: error.code, text, ...(subject === undefined ? {} : { subject }) };
}

/** A refusal as an error of the contract. `queue` is named where the broker named nothing. */
export function refusalError({ code, text, subject }: Refusal, queue: QueueName, cause?: unknown): MsgfloError {
  if (code === 404) return new QueueNotFoundError(subject ? asQueueName(subject) : queue, { cause });
  if (code === 405 || code === 406) return new QueueMismatchError(queue, `${text}${remedy(text)}`, { cause });
  return new RefusedError(`'${queue}': ${text}`, { cause });
}

/** What to do about a queue that exists with another argument; the broker's text names the first that differs. */
function remedy(text: string): string {
  const [, name, asked, there] = DIFFERENT.exec(text) ?? [];
  if (name === undefined || asked === undefined || there === undefined) return '';
  return (
    `. '${name}' is ${quotedIn(there)} there, and ${quotedIn(asked)} is asked for: delete the queue (when it is empty), ` +
    'take another name, or leave the option out and set it by a policy of the broker'
  );
}

/** Of `the value '1000' of type 'signedint'` the value. */
function quotedIn(words: string): string {
  return /'([^']*)'/.exec(words)?.[1] ?? words;
}

/** True when the broker closed a channel because a delivery was not settled in the time that it gives consumers. */
export function isConsumerTimeout(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal?.code === 406 && /acknowledgement .*timed out/.test(refusal.text);
}

/** The text of a failed connection; Node's own is empty where several addresses were tried. */
export function connectFailure(error: unknown): string {
  if (error instanceof AggregateError) return connectFailure(error.errors[0]);
  return messageOf(error) || 'connection failed';
}

/** True for what no further try will change: user or password. */
export function isLoginRefused(error: unknown): boolean {
  return /\b403 \(ACCESS[-_]REFUSED\)/.test(messageOf(error));
}

/**
 * True when the broker took the login and closed the connection as the virtual host was named; amqplib keeps its reason
 * to itself. Mostly there is no such host, or the user may not use it; just after a start it may only not be up yet.
 */
export function isHostRefused(error: unknown): boolean {
  return messageOf(error).startsWith('Expected ConnectionOpenOk; got <ConnectionClose');
}
