/** How regularly something is expected. */
export interface PulseOptions {
  readonly periodMs: number;
  /** So many periods missed in a row are a failure. */
  readonly failMissed: number;
  /** Nothing is expected for so long after the start. */
  readonly graceMs: number;
  readonly startMs: number;
}

/** What became of a pulse. `silentMs`: since the last beat, or since the start where there was none. */
export type PulseEvent =
  | { readonly event: 'first' }
  | { readonly event: 'missed'; readonly missed: number; readonly silentMs: number }
  | { readonly event: 'failed'; readonly missed: number; readonly silentMs: number }
  | { readonly event: 'back'; readonly missed: number; readonly silentMs: number };

/** What comes late by up to this part of a period is in time: no clock and no network is exact. */
const SLACK = 0.5;

/**
 * Follows something that should come once in a period. A period is missed when it has passed, and half of the next one,
 * without a beat; the count begins anew at every beat. After a failure nothing is told until it is back.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #lastMs: number | undefined;
  #missed = 0;
  #hasFailed = false;

  /** @throws {RangeError} unless the period is above zero and at least one may be missed */
  constructor(options: PulseOptions) {
    const { periodMs, failMissed } = options;
    if (!(periodMs > 0)) throw new RangeError(`periodMs must be above zero, got ${periodMs}`);
    if (!(failMissed >= 1)) throw new RangeError(`failMissed must be at least 1, got ${failMissed}`);
    this.#options = options;
  }

  /** No period has been missed since the last beat. */
  get isInTime(): boolean {
    return this.#missed === 0;
  }

  /** When `check` has something to say next, if no beat comes before; undefined while it has failed. */
  get dueMs(): number | undefined {
    return this.#hasFailed ? undefined : this.#expectedMs + (this.#missed + 1 + SLACK) * this.#options.periodMs;
  }

  beat(nowMs: number): PulseEvent | undefined {
    const silentMs = nowMs - this.#sinceMs;
    const isFirst = this.#lastMs === undefined;
    const missed = this.#missed;
    this.#lastMs = nowMs;
    this.#missed = 0;
    this.#hasFailed = false;
    if (missed > 0) return { event: 'back', missed, silentMs };
    return isFirst ? { event: 'first' } : undefined;
  }

  check(nowMs: number): PulseEvent | undefined {
    const { periodMs, failMissed } = this.#options;
    const missed = Math.floor((nowMs - this.#expectedMs) / periodMs - SLACK);
    if (this.#hasFailed || missed <= this.#missed) return undefined;
    this.#missed = missed;
    this.#hasFailed = missed >= failMissed;
    return { event: this.#hasFailed ? 'failed' : 'missed', missed, silentMs: nowMs - this.#sinceMs };
  }

  /** From here on the periods are counted. */
  get #expectedMs(): number {
    return this.#lastMs ?? this.#options.startMs + this.#options.graceMs;
  }

  get #sinceMs(): number {
    return this.#lastMs ?? this.#options.startMs;
  }
}
