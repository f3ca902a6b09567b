import type { Claim, LogNode, StoredRecord } from '../log/index.js';
import { EarliestTimer } from './earliest-timer.js';

/** More dead letters than this are not on their way at once: they are in memory. */
const MAX_BURYING = 256;
const MAX_TAKEN = 64;

export interface ExpiryParts {
  readonly node: LogNode;
  readonly proc: string;
  readonly nowMs: () => number;
  /** Gives a claim to whom it belongs: what is not too old after all, too. */
  hand(claim: Claim): void;
  /** The time has come to look at what is ready, or there may be more to do again. */
  touch(): void;
}

/** Finds what was ready for too long in one inqueue, in time and though nobody comes for it. */
export class Expiry {
  readonly #parts: ExpiryParts;
  readonly #timer = new EarliestTimer(() => {
    this.somethingCameBack();
    this.#parts.touch();
  });
  #ttlMs: number | undefined;
  /** The timer is set for what is first. */
  #isSet = false;
  #isLooking = false;
  #touches = 0;
  #burying = 0;
  #isStopped = false;

  constructor(ttlMs: number | undefined, parts: ExpiryParts) {
    this.#ttlMs = ttlMs;
    this.#parts = parts;
  }

  /** From now on, also for what is there. */
  change(ttlMs: number | undefined): void {
    this.#ttlMs = ttlMs;
    this.#timer.clear();
    this.somethingCameBack();
  }

  get isOn(): boolean {
    return this.#ttlMs !== undefined;
  }

  isOver({ timestampMs }: StoredRecord): boolean {
    return this.#ttlMs !== undefined && timestampMs + this.#ttlMs <= this.#parts.nowMs();
  }

  /** So many are on their way to be dead letters that no more should be taken. */
  get isBusy(): boolean {
    return this.#burying >= MAX_BURYING;
  }

  /** One more is on its way to be a dead letter. @returns what to call when it is one */
  bury(): () => void {
    this.#burying += 1;
    return () => {
      this.#burying -= 1;
      if (this.#burying === MAX_BURYING / 2) this.#parts.touch();
    };
  }

  /** It may stand before what is waited for. */
  somethingCameBack(): void {
    this.#isSet = false;
  }

  /** Takes out what is too old; looks again when the next one will be. */
  async look(): Promise<void> {
    this.#touches += 1;
    if (this.#ttlMs === undefined || this.#isLooking || this.#isSet) return;
    this.#isLooking = true;
    try {
      for (let count = 1; !this.isBusy && !this.#isStopped; count = Math.min(2 * count, MAX_TAKEN))
        if (!(await this.#takeSome(this.#ttlMs, count))) return;
    } finally {
      this.#isLooking = false;
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer.clear();
  }

  /** @returns whether there may be more */
  async #takeSome(ttlMs: number, count: number): Promise<boolean> {
    const { node, proc, nowMs, hand } = this.#parts;
    const touches = this.#touches;
    this.#isSet = true; // unless something comes back meanwhile
    const first = await node.peek(proc);
    if (this.#isStopped) return false;
    const dueMs = (first?.timestampMs ?? 0) + ttlMs;
    if (first && dueMs > nowMs()) {
      this.#timer.set(dueMs, nowMs());
      return !this.#isSet;
    }
    this.#isSet = false;
    const claims = first ? await node.claim(proc, count) : [];
    for (const claim of claims) hand(claim);
    return claims.length > 0 || touches !== this.#touches;
  }
}
