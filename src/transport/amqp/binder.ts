import type { Channel } from 'amqplib';
import { messageOf } from '../../errors.js';
import { asQueueName, type QueueName } from '../../names.js';
import { Backoff, type Logger } from '../../support/index.js';
import { type Binding, deadLetterQueue, QueueNotFoundError } from '../index.js';
import type { ChannelPool } from './channel-pool.js';

/** How long bindings are tried to be restored to queues that are not there (yet) after a reconnect. */
const RESTORE_TRIES = 40;
const DEAD_LETTERS = deadLetterQueue(asQueueName(''));

/** Makes edges real between queues of others, and remembers those it made. */
export class Binder {
  readonly #pool: ChannelPool;
  readonly #log: Logger;
  readonly #made = new Map<string, Binding>();

  constructor(pool: ChannelPool, log: Logger) {
    this.#pool = pool;
    this.#log = log;
  }

  get made(): readonly Binding[] {
    return [...this.#made.values()];
  }

  /** Idempotent. @throws {QueueNotFoundError} while source or target is missing. */
  async bind(binding: Binding): Promise<void> {
    try {
      await this.#run(binding, bindOn);
    } catch (error) {
      if (!isMissing(error, binding.source) || !binding.source.startsWith(DEAD_LETTERS)) throw error;
      // Old libraries name the exchange for dead letters on their queue and create none.
      await this.#pool.run(binding.source, (channel) => channel.assertExchange(binding.source, 'fanout'));
      await this.#run(binding, bindOn);
    }
    this.#made.set(keyOf(binding), binding);
  }

  /** Idempotent: what is not there is not bound. */
  async unbind(binding: Binding): Promise<void> {
    this.#made.delete(keyOf(binding));
    const gone = (error: unknown): void => {
      if (!(error instanceof QueueNotFoundError)) throw error;
    };
    await this.#run(binding, unbindOn).catch(gone);
    if (binding.kind === 'roundrobin') await this.#removeIfUnused(outExchange(binding.source), binding.source);
  }

  /**
   * Makes them again on a new connection; durable ones are there still. Those whose queue is missing are tried again
   * for a while, in the background: their owner may be reconnecting too.
   */
  restore(signal: AbortSignal): void {
    for (const binding of this.made) void this.#restore(binding, signal);
  }

  async #restore(binding: Binding, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(100, 2000);
    while (this.#made.has(keyOf(binding)) && backoff.tries < RESTORE_TRIES && !signal.aborted) {
      try {
        return await this.bind(binding);
      } catch (error) {
        this.#log.debug(`binding ${binding.source} -> ${binding.target} not restored: ${messageOf(error)}`);
        await backoff.wait(signal).catch(() => {});
      }
    }
  }

  /** The broker refuses to delete an exchange that somebody's queue is still bound to. */
  async #removeIfUnused(exchange: string, source: QueueName): Promise<void> {
    try {
      await this.#pool.run(source, (channel) => channel.deleteExchange(exchange, { ifUnused: true }));
    } catch (error) {
      this.#log.debug(`exchange '${exchange}' stays: ${messageOf(error)}`);
    }
  }

  async #run(binding: Binding, work: (channel: Channel, binding: Binding) => Promise<void>): Promise<void> {
    try {
      await this.#pool.run(binding.source, (channel) => work(channel, binding));
    } catch (error) {
      // The exchange between the two is our affair: its absence means that somebody removed it just now.
      if (!isMissing(error, outExchange(binding.source))) throw error;
      throw new QueueNotFoundError(binding.source, { cause: error });
    }
  }
}

async function bindOn(channel: Channel, { kind, source, target }: Binding): Promise<void> {
  if (kind === 'pubsub') {
    await channel.bindQueue(target, source, '');
    return;
  }
  const between = outExchange(source);
  await channel.assertExchange(between, 'direct');
  await channel.bindQueue(target, between, '');
  await channel.bindExchange(between, source, '');
}

async function unbindOn(channel: Channel, { kind, source, target }: Binding): Promise<void> {
  await channel.unbindQueue(target, kind === 'pubsub' ? source : outExchange(source), '');
}

const outExchange = (source: QueueName): string => `out-${source}`;

function isMissing(error: unknown, name: string): boolean {
  return error instanceof QueueNotFoundError && error.queue === name;
}

function keyOf({ kind, source, target }: Binding): string {
  return JSON.stringify([kind, source, target]);
}
