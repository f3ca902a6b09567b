import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { asQueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import type { NoticeHandler } from '../index.js';
import { QueueNotFoundError } from '../index.js';
import type { ChannelPool } from './channel-pool.js';
import { KeptChannel } from './kept-channel.js';
import type { Link } from './link.js';
import { retainedQueue } from './notices.js';
import { headersOf, KEPT_HEADER } from './wire.js';

/** The one retained notice is with another watcher for the moment of its look: about half a second in all. */
const LOOKS = 20;
const LOOK_AGAIN_MS = 25;

export interface WatchOptions {
  readonly link: Link;
  readonly pool: ChannelPool;
  readonly log: Logger;
  readonly name: string;
  readonly handler: NoticeHandler;
}

/** Watches one notice name over an exclusive queue of its own; after a reconnect the retained notice is told again. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #kept: KeptChannel<Channel>;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#kept = new KeptChannel({
      link: options.link,
      log: options.log,
      purpose: `watching '${options.name}'`,
      open: (model) => model.createChannel(),
      setUp: (channel) => this.#attach(channel),
    });
  }

  async start(): Promise<void> {
    await this.#kept.start();
  }

  async stop(): Promise<void> {
    await this.#kept.stop();
  }

  /** Bound before the look at the retained notice and consumed after it: nothing is missed between the two. */
  async #attach(channel: Channel): Promise<void> {
    const { name } = this.#options;
    await channel.assertExchange(name, 'fanout');
    const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false });
    await channel.bindQueue(queue, name, '');
    const retained = await this.#retained();
    if (retained) this.#tell(retained, true);
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message) this.#tell(message.content, headersOf(message)[KEPT_HEADER] !== undefined);
      else this.#kept.renew();
    };
    await channel.consume(queue, onMessage, { noAck: true });
  }

  #tell(body: Buffer, retained: boolean): void {
    if (!this.#kept.stopped) this.#options.handler(body, { retained });
  }

  async #retained(): Promise<Buffer | undefined> {
    const queue = asQueueName(retainedQueue(this.#options.name));
    for (let look = 0; look < LOOKS; look += 1) {
      const found = await this.#look(queue);
      if (found === 'none' || Buffer.isBuffer(found)) return found === 'none' ? undefined : found;
      await delay(LOOK_AGAIN_MS * (0.5 + Math.random()));
    }
    return undefined;
  }

  /** 'held' when the queue is there and empty: somebody else looks just now. */
  async #look(queue: ReturnType<typeof asQueueName>): Promise<Buffer | 'none' | 'held'> {
    try {
      return await this.#options.pool.run(queue, async (channel) => {
        const message = await channel.get(queue);
        if (!message) return 'held';
        channel.nack(message, false, true);
        return message.content;
      });
    } catch (error) {
      if (error instanceof QueueNotFoundError) return 'none';
      throw error;
    }
  }
}
