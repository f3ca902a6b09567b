import type { Logger } from '../support/index.js';

/** Lines that are kept. */
const MAX_HELD = 3;

/** What is said while the screen is drawn on is kept for its last lines: it would be drawn over, or worse. */
export class HeldLog implements Logger {
  readonly held: string[] = [];
  isHolding = false;
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  debug(text: string): void {
    if (!this.isHolding) this.#log.debug(text);
  }
  info(text: string): void {
    if (this.isHolding) this.#hold(text);
    else this.#log.info(text);
  }
  warn(text: string): void {
    if (this.isHolding) this.#hold(text);
    else this.#log.warn(text);
  }
  warnOnce(key: string, text: string): void {
    if (this.isHolding) this.#hold(text);
    else this.#log.warnOnce(key, text);
  }

  #hold(text: string): void {
    if (this.held.includes(text)) return;
    this.held.push(text);
    if (this.held.length > MAX_HELD) this.held.shift();
  }
}
