import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';

/** Reasons within this time make one pass, in ms. */
const TOGETHER_MS = 30;
/** How often a pass comes though nothing was heard, in ms: some things wait for time to pass. */
const EVERY_MS = 5000;

export interface PassesOptions {
  /** One pass; never two at a time. */
  readonly run: () => Promise<void>;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** When the next pass is due. */
export class Passes {
  readonly #options: PassesOptions;
  #isOpen = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #ticker: NodeJS.Timeout | undefined;
  #current: Promise<void> | undefined;

  constructor(options: PassesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isOpen = true;
    this.#ticker = setInterval(() => this.wake(), EVERY_MS);
    this.wake();
  }

  /** Lets the pass in hand finish; none begins afterwards. Idempotent. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    await this.#current;
  }

  /** A pass soon; several calls make one. */
  wake(inMs = TOGETHER_MS): void {
    if (!this.#isOpen) return;
    const atMs = this.#options.nowMs() + inMs;
    if (atMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#begin(), inMs);
  }

  #begin(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    if (this.#current) {
      // What came meanwhile is planned when the pass in hand has ended.
      void this.#current.then(() => this.wake());
      return;
    }
    const { run, log } = this.#options;
    this.#current = run()
      .catch((error: unknown) => log.warn(`a pass failed: ${messageOf(error)}`))
      .finally(() => {
        this.#current = undefined;
      });
  }
}
