import { setTimeout as delay } from 'node:timers/promises';

/** Work that has begun and not ended: what `close()` and `cancel()` wait for. */
export class InHand {
  readonly #running = new Set<Promise<void>>();

  get size(): number {
    return this.#running.size;
  }

  /** Counts `work` until it ends. It must not reject. */
  add(work: Promise<void>): void {
    this.#running.add(work);
    void work.then(() => this.#running.delete(work));
  }

  /** Resolves with true when nothing is in hand any more, with false after `graceMs` milliseconds. */
  async idle(graceMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    if (this.#running.size === 0) return true;
    const drained = this.#drain().then(() => true);
    if (graceMs === Number.POSITIVE_INFINITY) return drained;
    const timer = new AbortController();
    const late = delay(graceMs, false, { signal: timer.signal }).catch(() => false);
    const done = await Promise.race([drained, late]);
    timer.abort();
    return done;
  }

  async #drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
