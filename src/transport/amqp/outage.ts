import type { Logger } from '../../support/index.js';

/** Says once that the broker is away, however many connections and tries feel it, and once that it is back. */
export class Outage {
  readonly #log: Logger;
  readonly #down = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  get active(): boolean {
    return this.#down.size > 0;
  }

  down(connection: string, text: string): void {
    if (!this.active) this.#log.warn(`${text}; trying again`);
    this.#down.add(connection);
  }

  stillDown(text: string): void {
    this.#log.debug(text);
  }

  up(connection: string): void {
    if (this.#down.delete(connection) && !this.active) this.#log.info('connected to the broker again');
  }
}
