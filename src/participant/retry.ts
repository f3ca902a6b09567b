import { MsgfloError } from '../errors.js';
import type { RetrySpec } from './component.js';

/** For authors to throw: it would fail again, so the message becomes a dead letter at once. Reaches this message only. */
export class PermanentError extends MsgfloError {
  readonly code = 'MSGFLO_PERMANENT';
}

/** When a message that failed is tried again. */
export class Retry {
  readonly attempts: number;
  readonly #delayMs: number;
  readonly #factor: number;
  readonly #maxDelayMs: number;
  readonly #jitter: number;
  readonly #random: () => number;

  constructor(spec: RetrySpec, random: () => number = Math.random) {
    this.attempts = spec.attempts;
    this.#delayMs = spec.delayMs ?? 1000;
    this.#factor = spec.factor ?? 2;
    this.#maxDelayMs = spec.maxDelayMs ?? 60_000;
    this.#jitter = spec.jitter ?? 0.2;
    this.#random = random;
  }

  /**
   * How long to wait before the next attempt, in ms, or undefined when there is to be none.
   * @param failed how many attempts have failed so far
   * @param error of the last one; with `retryable: false` it is the last
   */
  pauseMs(failed: number, error: unknown): number | undefined {
    if (failed >= this.attempts || isPermanent(error)) return undefined;
    const baseMs = Math.min(this.#maxDelayMs, this.#delayMs * this.#factor ** (failed - 1));
    return Math.round(baseMs * (1 - this.#jitter + 2 * this.#jitter * this.#random()));
  }
}

/** Errors of ours say whether the same may succeed later, and so may anybody's. */
function isPermanent(error: unknown): boolean {
  try {
    return error !== null && typeof error === 'object' && 'retryable' in error && error.retryable === false;
  } catch {
    return false;
  }
}

/** Any number of pauses that can be ended together. */
export class Pauses {
  readonly #ends = new Set<(isOver: boolean) => void>();
  #stopped = false;

  /** Resolves with true after `ms`, with false as soon as `stop()` is called. */
  async wait(ms: number): Promise<boolean> {
    if (this.#stopped) return false;
    return new Promise((resolve) => {
      const end = (isOver: boolean): void => {
        clearTimeout(timer);
        this.#ends.delete(end);
        resolve(isOver);
      };
      const timer = setTimeout(end, ms, true);
      this.#ends.add(end);
    });
  }

  /** All pauses end now, later ones at once. */
  stop(): void {
    this.#stopped = true;
    for (const end of [...this.#ends]) end(false);
  }
}
