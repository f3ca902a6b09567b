import { setTimeout as delay } from 'node:timers/promises';

/** Work that has begun and not ended: what `close()` and `cancel()` wait for. */
export class InHand {
  #size = 0;
  #waiting: (() => void)[] = [];

  get size(): number {
    return this.#size;
  }

  /** Counts `work` until it ends. It must not reject. */
  add(work: Promise<void>): void {
    this.begin();
    void work.then(() => this.end());
  }

  /** For work that itself says when it ends. */
  begin(): void {
    this.#size += 1;
  }

  end(): void {
    this.#size -= 1;
    if (this.#size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves with true when nothing is in hand any more, with false after `graceMs` milliseconds. */
  async idle(graceMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    if (this.#size === 0) return true;
    const drained = this.#drain().then(() => true);
    if (graceMs === Number.POSITIVE_INFINITY) return drained;
    const timer = new AbortController();
    const late = delay(graceMs, false, { signal: timer.signal }).catch(() => false);
    const done = await Promise.race([drained, late]);
    timer.abort();
    return done;
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
