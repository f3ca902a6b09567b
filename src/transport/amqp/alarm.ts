import type { Logger } from '../../support/index.js';

/** Says once that the broker takes nothing because it is short of memory or disk, and once that it does again. */
export class Alarm {
  readonly #log: Logger;
  #reason: string | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param reason undefined when it is over, or the connection that felt it is gone */
  tell(reason: string | undefined): void {
    if (reason === this.#reason) return;
    const began = this.#reason === undefined;
    this.#reason = reason;
    if (reason === undefined) this.#log.info('RabbitMQ takes messages again');
    else if (began) this.#log.warn(`RabbitMQ holds back senders: ${reason}; nothing is dropped, they wait`);
  }
}
