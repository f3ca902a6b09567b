import type { Channel } from 'amqplib';
import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import { Semaphore } from '../../support/index.js';
import { NotConnectedError, RefusedError } from '../index.js';
import type { Link } from './link.js';
import { type Refusal, refusalError, refusalOf } from './refusal.js';

/** amqplib sends the next request of a channel when the last was answered: several channels keep the broker busy. */
const MAX_CHANNELS = 8;

interface PooledChannel {
  readonly channel: Channel;
  closed: boolean;
}

/**
 * Channels for declaring, binding and looking: each call has one for itself, so that a refusal, which closes the
 * channel, reaches no other call. Used again when nothing was refused.
 */
export class ChannelPool {
  readonly #link: Link;
  readonly #slots = new Semaphore(MAX_CHANNELS);
  readonly #idle: PooledChannel[] = [];

  constructor(link: Link) {
    this.#link = link;
  }

  /**
   * Runs `work`, again when the connection was lost meanwhile: it must be idempotent.
   * @param queue named in the error where the broker names nothing
   * @throws {QueueNotFoundError} @throws {QueueMismatchError} @throws {RefusedError}
   */
  async run<T>(queue: QueueName, work: (channel: Channel) => Promise<T>): Promise<T> {
    return this.#slots.run(async () => {
      for (;;) {
        const outcome = await this.#attempt(work);
        if ('value' in outcome) return outcome.value;
        if (outcome.refusal) throw refusalError(outcome.refusal, queue, outcome.error);
        if (this.#link.closed) throw new NotConnectedError('the call', { cause: outcome.error });
        if (!outcome.lost) throw new RefusedError(`'${queue}': ${messageOf(outcome.error)}`, { cause: outcome.error });
      }
    });
  }

  async #attempt<T>(work: (channel: Channel) => Promise<T>): Promise<Outcome<T>> {
    const model = await this.#link.up();
    let pooled: PooledChannel | undefined;
    try {
      pooled = await this.#take();
      const value = await work(pooled.channel);
      if (!pooled.closed) this.#idle.push(pooled);
      return { value };
    } catch (error) {
      const refusal = refusalOf(error);
      const lost = pooled?.closed || this.#link.model !== model;
      if (pooled && !pooled.closed) void pooled.channel.close().catch(() => {});
      return { error, lost, ...(refusal ? { refusal } : {}) };
    }
  }

  async #take(): Promise<PooledChannel> {
    for (let pooled = this.#idle.pop(); pooled; pooled = this.#idle.pop()) {
      if (!pooled.closed) return pooled;
    }
    const model = await this.#link.up();
    const pooled: PooledChannel = { channel: await model.createChannel(), closed: false };
    pooled.channel.on('error', () => {});
    pooled.channel.once('close', () => {
      pooled.closed = true;
    });
    return pooled;
  }
}

type Outcome<T> =
  | { readonly value: T }
  | { readonly error: unknown; readonly lost: boolean; readonly refusal?: Refusal };
