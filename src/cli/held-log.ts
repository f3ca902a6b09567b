import type { Logger } from '../support/index.js';

/** Lines that are kept. */
const MAX_HELD = 3;

/** So long a line is shown after it was said last: it was news, and need not be true any more. In ms. */
const SHOWN_MS = 30_000;

/** What is said while the screen is drawn on is kept for its last lines: it would be drawn over, or worse. */
export class HeldLog implements Logger {
  isHolding = false;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #saidAtMs = new Map<string, number>();

  constructor(log: Logger, nowMs = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** The latest lines, the oldest first. */
  get held(): readonly string[] {
    const sinceMs = this.#nowMs() - SHOWN_MS;
    return [...this.#saidAtMs].flatMap(([text, atMs]) => (atMs >= sinceMs ? [text] : []));
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
    this.#saidAtMs.delete(text);
    this.#saidAtMs.set(text, this.#nowMs());
    const [oldest] = this.#saidAtMs.keys();
    if (oldest !== undefined && this.#saidAtMs.size > MAX_HELD) this.#saidAtMs.delete(oldest);
  }
}
