import type { Channel, ConsumeMessage } from 'amqplib';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import type { Delivery } from '../index.js';
import { KeptChannel } from './kept-channel.js';
import type { Link } from './link.js';
import { toDelivery } from './wire.js';

/** Copies that wait for a slow reader; older ones are lost. */
const MAX_COPIES = 1000;

/** Copies of what goes through an outqueue, taken from an exclusive queue that is bound to it besides the others. */
export class Tap {
  readonly #kept: KeptChannel<Channel>;

  constructor(link: Link, log: Logger, outqueue: QueueName, handler: (delivery: Delivery) => void) {
    const onMessage = (message: ConsumeMessage | null): void => {
      if (!message) this.#kept.renew();
      else if (!this.#kept.stopped) handler(toDelivery(message));
    };
    this.#kept = new KeptChannel({
      link,
      log,
      purpose: `tapping '${outqueue}'`,
      open: (model) => model.createChannel(),
      setUp: async (channel) => {
        const options = { exclusive: true, autoDelete: true, durable: false, maxLength: MAX_COPIES };
        const { queue } = await channel.assertQueue('', options);
        await channel.bindQueue(queue, outqueue, '');
        await channel.consume(queue, onMessage, { noAck: true });
      },
    });
  }

  async start(): Promise<void> {
    await this.#kept.start();
  }

  async stop(): Promise<void> {
    await this.#kept.stop();
  }
}
