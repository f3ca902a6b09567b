import { DURATION_BOUNDS_MS, type Durations } from '../discovery/index.js';

/** Counts durations by class, see `DURATION_BOUNDS_MS`. Observing allocates nothing: it is done for every message. */
export class DurationCounts {
  readonly #counts: number[] = new Array<number>(DURATION_BOUNDS_MS.length + 1).fill(0);
  #sumMs = 0;

  /** What is below zero counts as zero (clocks of two hosts differ); what is no number does not count. */
  observe(durationMs: number): void {
    if (Number.isNaN(durationMs)) return;
    const ms = durationMs > 0 ? durationMs : 0;
    let at = 0;
    while (at < DURATION_BOUNDS_MS.length && ms > (DURATION_BOUNDS_MS[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sumMs += ms;
  }

  /** As they are just now, the sum to the microsecond. */
  get total(): Durations {
    return { counts: [...this.#counts], sumMs: Math.round(this.#sumMs * 1000) / 1000 };
  }
}
