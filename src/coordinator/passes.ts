import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';

/** Reasons within this time make one pass, in ms. */
const TOGETHER_MS = 30;
/** A pass that failed is made again after so long, in ms. */
const RETRY_MS = 5000;
/**
 * How often a pass comes though nothing was heard and nothing is due, in ms: should some change ever be overlooked, it is
 * seen then. Rare, since a pass makes garbage that stays for long where nothing else happens.
 */
const EVERY_MS = 60_000;

export interface PassesOptions {
  /** One pass; never two at a time. @returns in how many ms the next is due though nothing is heard; `Infinity`: never */
  readonly run: () => Promise<number>;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/**
 * When the next pass is due: soon after somebody has a reason, and when what the last one left waiting for time to pass is
 * due. At rest none is made.
 */
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

  /** A pass soon; several calls make one. A later one that was due may be left out: each pass says anew what is due. */
  wake(inMs = TOGETHER_MS): void {
    if (!this.#isOpen || inMs === Number.POSITIVE_INFINITY) return;
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
      .catch((error: unknown) => {
        log.warn(`a pass failed: ${messageOf(error)}`);
        return RETRY_MS;
      })
      .then((againInMs) => {
        this.#current = undefined;
        this.wake(againInMs);
      });
  }
}
