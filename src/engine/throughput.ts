/** Rates are taken over this long at least, in ms, once somebody asks often enough. */
const SPAN_MS = 1000;
/** Over less than this nothing is said. */
const LEAST_SPAN_MS = 200;
const SAMPLE_EVERY_MS = 100;

/** How many came to an inqueue, and how many left it for good, since some time. */
export interface Totals {
  readonly in: number;
  readonly out: number;
}

interface Sample extends Totals {
  readonly atMs: number;
}

export interface Rates {
  readonly inPerSecond: number;
  readonly outPerSecond: number;
}

/**
 * A rate is the difference to an earlier time of asking: over the last second for who asks often, since the last time for
 * who asks seldom, none at the first.
 */
export class Throughput {
  readonly #samples: Sample[] = [];

  rates(nowMs: number, totals: Totals): Rates | undefined {
    const samples = this.#samples;
    while (samples.length > 1 && (samples[1]?.atMs ?? nowMs) <= nowMs - SPAN_MS) samples.shift();
    const [first] = samples;
    const isDue = nowMs - (samples.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) >= SAMPLE_EVERY_MS;
    if (isDue) samples.push({ atMs: nowMs, in: totals.in, out: totals.out });
    if (!first || nowMs - first.atMs < LEAST_SPAN_MS) return undefined;
    const seconds = (nowMs - first.atMs) / 1000;
    return { inPerSecond: (totals.in - first.in) / seconds, outPerSecond: (totals.out - first.out) / seconds };
  }
}
