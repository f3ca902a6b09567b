import { asQueueName } from '../../names.js';
import type { Notice } from '../index.js';
import { QueueNotFoundError } from '../index.js';
import type { ChannelPool } from './channel-pool.js';
import type { Publisher } from './publisher.js';
import { Letter } from './wire.js';

/** Where the last retained notice of a name waits for those who begin to watch later. */
export const retainedQueue = (name: string): string => `${name}.last`;

/** Sends notices: to the durable fanout exchange of their name, kept by a queue of length one where retained. */
export class Notices {
  readonly #pool: ChannelPool;
  readonly #publisher: Publisher;
  /** Names whose exchange this client has declared. */
  readonly #exchanges = new Set<string>();

  constructor(pool: ChannelPool, publisher: Publisher) {
    this.#pool = pool;
    this.#publisher = publisher;
  }

  async send(notice: Notice): Promise<void> {
    try {
      await this.#send(notice);
    } catch (error) {
      if (!(error instanceof QueueNotFoundError)) throw error;
      // The exchange that was declared before is gone: the broker lost its data.
      this.#exchanges.clear();
      await this.#send(notice);
    }
  }

  async #send({ name, body, retain = false }: Notice): Promise<void> {
    await this.#declareExchange(name);
    if (retain && body.length === 0) await this.#forget(name);
    else if (retain) await this.#keep(name);
    await this.#publisher.publish(new Letter(name, '', { data: body }));
  }

  async #declareExchange(name: string): Promise<void> {
    if (this.#exchanges.has(name)) return;
    await this.#pool.run(asQueueName(name), (channel) => channel.assertExchange(name, 'fanout'));
    this.#exchanges.add(name);
  }

  /** Each time: somebody else may have cleared the notice, and with it the queue. */
  async #keep(name: string): Promise<void> {
    const queue = retainedQueue(name);
    await this.#pool.run(asQueueName(queue), async (channel) => {
      await channel.assertQueue(queue, { maxLength: 1 });
      await channel.bindQueue(queue, name, '');
    });
  }

  async #forget(name: string): Promise<void> {
    await this.#pool.run(asQueueName(name), (channel) => channel.deleteQueue(retainedQueue(name)));
  }
}
