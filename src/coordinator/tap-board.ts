import type { QueueName } from '../names.js';
import type { Broker, Delivery, Subscription } from '../transport/index.js';

/** The taps there are. They come again with the connection: that is the transport's affair. */
export class TapBoard {
  readonly #broker: Broker;
  readonly #onCopy: (outqueue: QueueName, delivery: Delivery) => void;
  readonly #taps = new Map<QueueName, Subscription>();

  constructor(broker: Broker, onCopy: (outqueue: QueueName, delivery: Delivery) => void) {
    this.#broker = broker;
    this.#onCopy = onCopy;
  }

  get tapped(): ReadonlySet<QueueName> {
    return new Set(this.#taps.keys());
  }

  async tap(outqueue: QueueName): Promise<void> {
    if (this.#taps.has(outqueue)) return;
    this.#taps.set(outqueue, await this.#broker.tap(outqueue, (delivery) => this.#onCopy(outqueue, delivery)));
  }

  async untap(outqueue: QueueName): Promise<void> {
    const tap = this.#taps.get(outqueue);
    this.#taps.delete(outqueue);
    await tap?.cancel();
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#taps.keys()].map((outqueue) => this.untap(outqueue)));
  }
}
