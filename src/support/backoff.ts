import { setTimeout as delay } from 'node:timers/promises';

/** Waiting times between tries: `minMs` doubling to `maxMs`, each spread by +-25 % so that peers do not come in step. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #tries = 0;

  constructor(minMs: number, maxMs: number, random: () => number = Math.random) {
    if (!(minMs > 0) || maxMs < minMs) throw new RangeError(`need 0 < minMs <= maxMs, got ${minMs} and ${maxMs}`);
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** How often `nextMs` was asked since the last `reset`. */
  get tries(): number {
    return this.#tries;
  }

  nextMs(): number {
    const baseMs = Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(this.#tries, 30));
    this.#tries += 1;
    return baseMs * (0.75 + this.#random() / 2);
  }

  /** Waits for the next interval. @throws {Error} the signal's reason, at once, when it aborts. */
  async wait(signal?: AbortSignal): Promise<void> {
    await delay(this.nextMs(), undefined, signal ? { signal } : {});
  }

  reset(): void {
    this.#tries = 0;
  }
}
