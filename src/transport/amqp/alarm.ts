import type { Logger } from '../../support/index.js';

/** Says once that the broker takes nothing because it is short of memory or disk, and once that it does again. */
export class Alarm {
  readonly #log: Logger;
  #isOn = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  begins(reason: string): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#log.warn(`RabbitMQ holds back senders: ${reason}; nothing is dropped, they wait`);
  }

  ends(): void {
    if (this.#isOn) this.#log.info('RabbitMQ takes messages again');
    this.#isOn = false;
  }

  /** The connection that felt it is gone; the next one is told anew. */
  forget(): void {
    this.#isOn = false;
  }
}
