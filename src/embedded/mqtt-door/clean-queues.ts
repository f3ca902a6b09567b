import { asQueueName, type QueueName } from '../../names.js';
import { OWN_PREFIX } from './topics.js';

/** By then the engine has forgotten whose it was. */
const REST_MS = 5000;

/** Names for the queues of clean sessions. They are used again, so that the log does not come to know ever more topics. */
export class CleanQueues {
  readonly #resting: { readonly name: QueueName; readonly sinceMs: number }[] = [];
  #count = 0;

  take(): QueueName {
    const [first] = this.#resting;
    if (first && performance.now() - first.sinceMs > REST_MS) {
      this.#resting.shift();
      return first.name;
    }
    this.#count += 1;
    return asQueueName(`${OWN_PREFIX}clean/${this.#count}`);
  }

  giveBack(name: QueueName): void {
    this.#resting.push({ name, sinceMs: performance.now() });
  }
}
