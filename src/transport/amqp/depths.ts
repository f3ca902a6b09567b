import type { QueueName } from '../../names.js';
import { type QueueDepth, QueueNotFoundError } from '../index.js';
import type { ChannelPool } from './channel-pool.js';
import type { Management } from './management.js';

/** How much waits where: AMQP itself tells what is ready and who consumes, the management interface the rest. */
export class Depths {
  readonly #pool: ChannelPool;
  readonly #management: Management | undefined;

  constructor(pool: ChannelPool, management: Management | undefined) {
    this.#pool = pool;
    this.#management = management;
  }

  /** One row per queue that exists. What the management interface tells is some seconds old, and left out while it is away. */
  async rows(queues: readonly QueueName[]): Promise<readonly QueueDepth[]> {
    const [rows, figures] = await Promise.all([
      Promise.all(queues.map((queue) => this.#row(queue))),
      this.#management?.isThere ? this.#management.figures().catch(() => undefined) : undefined,
    ]);
    const there = rows.filter((row) => row !== undefined);
    return figures ? there.map((row) => ({ ...row, ...figures.get(row.queue) })) : there;
  }

  async #row(queue: QueueName): Promise<QueueDepth | undefined> {
    try {
      const { messageCount, consumerCount } = await this.#pool.run(queue, (channel) => channel.checkQueue(queue));
      return { queue, ready: messageCount, consumers: consumerCount };
    } catch (error) {
      if (error instanceof QueueNotFoundError) return undefined;
      throw error;
    }
  }
}
