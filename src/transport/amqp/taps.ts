import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { messageOf } from '../../errors.js';
import { asQueueName, type QueueName } from '../../names.js';
import { Backoff, type Logger } from '../../support/index.js';
import { type Delivery, deadLetterQueue, NotConnectedError, QueueNotFoundError, type Subscription } from '../index.js';
import type { ChannelPool } from './channel-pool.js';
import { KeptChannel } from './kept-channel.js';
import type { Link } from './link.js';
import { toDelivery } from './wire.js';

/** Copies that wait in the broker for a slow reader; older ones are lost. */
const MAX_COPIES = 1000;
const MAX_BYTES = 16 * 1024 * 1024;
const DEAD_LETTERS = deadLetterQueue(asQueueName(''));
/** While the queue is being made anew. */
const QUEUE_WAIT_MS = 50;

type Handler = (delivery: Delivery) => void;

/**
 * Copies of what goes through outqueues. All taps of a client have one exclusive queue together, bound to the exchange of
 * each outqueue; which of them a copy is for is told by the exchange that it was published to. The queue is made with the
 * first tap and goes with the connection.
 */
export class Taps {
  readonly #pool: ChannelPool;
  readonly #log: Logger;
  readonly #link: Link;
  readonly #handlers = new Map<QueueName, Set<Handler>>();
  /** Bindings of one outqueue are made and taken away one after another. */
  readonly #turns = new Map<QueueName, Promise<void>>();
  readonly #stopping = new AbortController();
  #kept: KeptChannel<Channel> | undefined;
  #started: Promise<void> | undefined;
  #queue = '';

  constructor(link: Link, pool: ChannelPool, log: Logger) {
    this.#link = link;
    this.#pool = pool;
    this.#log = log;
  }

  /** @throws {QueueNotFoundError} while there is no such outqueue; nothing is left of the tap then. */
  async add(outqueue: QueueName, handler: Handler): Promise<Subscription> {
    this.#started ??= this.#start();
    await this.#started;
    const own: Handler = (delivery) => handler(delivery);
    const handlers = this.#handlers.get(outqueue) ?? new Set();
    this.#handlers.set(outqueue, handlers.add(own));
    const cancel = (): Promise<void> => this.#remove(outqueue, own);
    try {
      await this.#inTurn(outqueue, () => this.#bind(outqueue));
    } catch (error) {
      await cancel();
      throw error;
    }
    return { cancel };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#handlers.clear();
    await this.#kept?.stop();
  }

  /** What is refused now, for want of a permission perhaps, is asked for again by the next tap. */
  async #start(): Promise<void> {
    this.#kept = new KeptChannel({
      link: this.#link,
      log: this.#log,
      purpose: 'tapping',
      open: (model) => model.createChannel(),
      setUp: (channel) => this.#attach(channel),
    });
    try {
      await this.#kept.start();
    } catch (error) {
      this.#started = undefined;
      throw error;
    }
  }

  async #remove(outqueue: QueueName, own: Handler): Promise<void> {
    const handlers = this.#handlers.get(outqueue);
    if (!handlers?.delete(own) || handlers.size > 0) return;
    this.#handlers.delete(outqueue);
    const unbound = this.#inTurn(outqueue, async () => {
      if (this.#handlers.has(outqueue) || this.#stopping.signal.aborted) return;
      await this.#pool.run(outqueue, (channel) => channel.unbindQueue(this.#queue, outqueue, ''));
    }).catch((error: unknown) => this.#log.debug(`tap of '${outqueue}' not unbound: ${messageOf(error)}`));
    // The queue goes with the connection: while there is none, nothing is left to wait for.
    if (this.#kept?.channel) await unbound;
  }

  async #attach(channel: Channel): Promise<void> {
    const { queue } = await channel.assertQueue('', {
      exclusive: true,
      autoDelete: true,
      durable: false,
      maxLength: MAX_COPIES,
      arguments: { 'x-max-length-bytes': MAX_BYTES },
    });
    this.#queue = queue;
    await channel.consume(queue, (message) => this.#take(message), { noAck: true });
    for (const outqueue of this.#handlers.keys()) void this.#restore(outqueue, queue);
  }

  #take(message: ConsumeMessage | null): void {
    if (!message) {
      this.#kept?.renew();
      return;
    }
    const handlers = this.#handlers.get(asQueueName(message.fields.exchange));
    if (!handlers || this.#stopping.signal.aborted) return;
    for (const handler of [...handlers]) {
      try {
        handler(toDelivery(message));
      } catch (error) {
        this.#log.warn(`a handler of the tap of '${message.fields.exchange}' threw: ${messageOf(error)}`);
      }
    }
  }

  /** On a new queue. The owner of an outqueue that is missing may be reconnecting too. */
  async #restore(outqueue: QueueName, queue: string): Promise<void> {
    const backoff = new Backoff(100, 2000);
    while (this.#handlers.has(outqueue) && this.#queue === queue && !this.#stopping.signal.aborted) {
      try {
        return await this.#inTurn(outqueue, () => this.#bind(outqueue));
      } catch (error) {
        this.#log.debug(`tap of '${outqueue}' not restored: ${messageOf(error)}`);
        await backoff.wait(this.#stopping.signal).catch(() => undefined);
      }
    }
  }

  async #bind(outqueue: QueueName): Promise<void> {
    for (;;) {
      const queue = this.#queue;
      try {
        await this.#pool.run(outqueue, (channel) => channel.bindQueue(this.#queue, outqueue, ''));
        return;
      } catch (error) {
        if (this.#stopping.signal.aborted) throw new NotConnectedError('tap()', { cause: error });
        if (!(error instanceof QueueNotFoundError)) throw error;
        if (error.queue === outqueue) return await this.#bindToDeadLetters(outqueue, error);
        // Our own queue was gone.
        if (queue === this.#queue)
          await delay(QUEUE_WAIT_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  /** Old libraries name the exchange for dead letters on their queue and create none. */
  async #bindToDeadLetters(outqueue: QueueName, missing: QueueNotFoundError): Promise<void> {
    if (!outqueue.startsWith(DEAD_LETTERS)) throw missing;
    const inqueue = asQueueName(outqueue.slice(DEAD_LETTERS.length));
    await this.#pool.run(inqueue, async (channel) => {
      await channel.checkQueue(inqueue);
      await channel.assertExchange(outqueue, 'fanout');
      await channel.bindQueue(this.#queue, outqueue, '');
    });
  }

  async #inTurn(outqueue: QueueName, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(outqueue) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#turns.set(outqueue, turn);
    try {
      await turn;
    } finally {
      if (this.#turns.get(outqueue) === turn) this.#turns.delete(outqueue);
    }
  }
}
