import { createHash } from 'node:crypto';
import type { Channel, GetMessage } from 'amqplib';
import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import { within } from '../../support/index.js';
import {
  BrokerUnreachableError,
  deadLetterQueue,
  HEADER,
  type KeptLetter,
  type LetterVisit,
  NotConnectedError,
  RefusedError,
} from '../index.js';
import { closing } from './kept-channel.js';
import type { Link } from './link.js';
import { refusalOf } from './refusal.js';
import { headersOf } from './wire.js';

/** A broker that does not answer is left. */
const CLOSE_LIMIT_MS = 1000;

/** Looks at one letter and says what becomes of it. */

/**
 * One look at the dead letters that are kept of an inqueue, over a channel of its own. Each is taken without an ack and
 * so is nobody else's meanwhile; at the end the broker puts those that were not removed back into their places. It ends
 * with the last letter that was there when it began.
 */
export class DeadLetterRound {
  readonly #link: Link;
  readonly #inqueue: QueueName;
  readonly #visit: LetterVisit;
  /** How often a key was met: several letters may share a message id. */
  readonly #keys = new Map<string, number>();
  #channel: Channel | undefined;
  #stopped = false;
  #failure: Error | undefined;
  #visited = 0;

  constructor(link: Link, inqueue: QueueName, visit: LetterVisit) {
    this.#link = link;
    this.#inqueue = inqueue;
    this.#visit = visit;
  }

  /** The number of those visited. @throws {BrokerUnreachableError} (retryable) when the connection is lost meanwhile */
  async run(): Promise<number> {
    const model = await this.#link.up();
    const channel = await model.createChannel().catch((error: unknown) => this.#broken(error));
    this.#channel = channel;
    let isClosed = false;
    channel.on('error', (error: Error) => {
      this.#failure = error;
    });
    channel.once('close', () => {
      isClosed = true;
    });
    try {
      await this.#visitAll(channel, () => isClosed);
    } finally {
      // Has the broker put back, each into its place, what is unsettled.
      if (!isClosed) await closing(channel);
    }
    return this.#visited;
  }

  /** Ends it at once: letters that were not removed go back. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#channel) await within(closing(this.#channel), CLOSE_LIMIT_MS);
  }

  async #visitAll(channel: Channel, isClosed: () => boolean): Promise<void> {
    let left = Number.POSITIVE_INFINITY;
    while (left > 0) {
      const message = await this.#next(channel);
      if (!message) return;
      left = Math.min(left - 1, message.fields.messageCount);
      this.#visited += 1;
      const fate = await this.#visit(this.#letterOf(message));
      if (isClosed()) this.#broken(undefined);
      if (fate === 'remove') channel.ack(message);
      if (fate === 'stop') return;
    }
  }

  /** Undefined when there is none, or no such queue. */
  async #next(channel: Channel): Promise<GetMessage | undefined> {
    try {
      return (await channel.get(deadLetterQueue(this.#inqueue))) || undefined;
    } catch (error) {
      if (refusalOf(error)?.code === 404 && this.#visited === 0) return undefined;
      return this.#broken(error);
    }
  }

  #letterOf(message: GetMessage): KeptLetter {
    const headers = headersOf(message);
    const name = headers[HEADER.messageId] ?? createHash('sha256').update(message.content).digest('hex').slice(0, 32);
    const times = (this.#keys.get(name) ?? 0) + 1;
    this.#keys.set(name, times);
    return { key: times === 1 ? name : `${name}#${times}`, body: message.content, headers };
  }

  #broken(cause: unknown): never {
    const error = this.#failure ?? cause;
    const call = `the look at the dead letters of '${this.#inqueue}'`;
    if (this.#stopped || this.#link.closed) throw new NotConnectedError(call, { cause: error });
    const place = this.#visited === 0 ? 'before the first' : `at letter ${this.#visited}, which stays`;
    const text = `${call} was broken off ${place}`;
    const refusal = refusalOf(error);
    if (refusal) throw new RefusedError(`${text}: ${refusal.text}`, { cause: error });
    const why = error === undefined ? 'the connection to the broker was lost' : messageOf(error);
    throw new BrokerUnreachableError(`${text}: ${why}`, { cause: error });
  }
}
