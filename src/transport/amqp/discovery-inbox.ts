import type { Channel, ConsumeMessage } from 'amqplib';
import { messageOf } from '../../errors.js';
import { asQueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import { RefusedError } from '../index.js';
import { AckWindow } from './ack-window.js';
import type { ChannelPool } from './channel-pool.js';
import { KeptChannel } from './kept-channel.js';
import type { Link } from './link.js';
import type { Publisher } from './publisher.js';
import { headersOf, KEPT_HEADER, Letter } from './wire.js';

/** The queue into which old libraries announce, and the exchange from which every coordinator hears. */
export const DISCOVERY = 'fbp';
const PREFETCH = 100;

export interface DiscoveryInboxOptions {
  readonly link: Link;
  readonly pool: ChannelPool;
  readonly publisher: Publisher;
  readonly log: Logger;
}

/**
 * Takes what old libraries put into the queue `fbp` and passes it on, untouched, to the exchange of that name: whichever
 * coordinator takes an announcement, all of them hear it. Acked when the broker has confirmed the copy.
 */
export class DiscoveryInbox {
  readonly #pool: ChannelPool;
  readonly #publisher: Publisher;
  readonly #log: Logger;
  readonly #kept: KeptChannel<Channel>;

  constructor({ link, pool, publisher, log }: DiscoveryInboxOptions) {
    this.#pool = pool;
    this.#publisher = publisher;
    this.#log = log;
    this.#kept = new KeptChannel({
      link,
      log,
      purpose: `passing on from the queue '${DISCOVERY}'`,
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

  async #attach(channel: Channel): Promise<void> {
    let kept = await this.#declare();
    const window = new AckWindow(channel, PREFETCH);
    await channel.prefetch(PREFETCH);
    await channel.consume(DISCOVERY, (message) => {
      if (!message) return this.#kept.renew();
      void this.#passOn(window, message, kept > 0);
      kept -= 1;
    });
  }

  /**
   * As old libraries do, without arguments. Where somebody declared it otherwise it is taken as it is.
   * @returns how many announcements wait in it, from when nobody took them
   */
  async #declare(): Promise<number> {
    try {
      const { messageCount } = await this.#pool.run(asQueueName(DISCOVERY), (channel) =>
        channel.assertQueue(DISCOVERY),
      );
      return messageCount;
    } catch (error) {
      this.#log.debug(messageOf(error));
      return 0;
    }
  }

  async #passOn(window: AckWindow, message: ConsumeMessage, isKept: boolean): Promise<void> {
    const headers = { ...headersOf(message), ...(isKept ? { [KEPT_HEADER]: '1' } : {}) };
    try {
      await this.#publisher.publish(new Letter(DISCOVERY, '', { data: message.content, headers }));
      window.ack(message);
    } catch (error) {
      this.#log.debug(`announcement not passed on: ${messageOf(error)}`);
      if (error instanceof RefusedError) window.ack(message);
      else this.#kept.renew();
    }
  }
}
