import { Backoff } from '../support/index.js';
import type { Exit } from './model.js';

export interface RestartOptions {
  /** First pause before a restart; it doubles from there, spread by a quarter. @default 100 */
  readonly minMs?: number;
  /** Longest pause. @default 30000 */
  readonly maxMs?: number;
  /**
   * So many failures within `windowMs` are too many. Infinity: it is tried for ever. @default 9: a participant dies four
   * times of a message before it knows (see `crashes` of an inport), eight times of two
   */
  readonly limit?: number;
  /** @default 60000 */
  readonly windowMs?: number;
  /** A process that lived so long had started well: earlier failures are forgotten. @default 10000 */
  readonly settledMs?: number;
  /** Exit codes after which it is not started again. @default [0] */
  readonly finalCodes?: readonly number[];
}

/** Unless said otherwise, see `RestartOptions.settledMs`. */
export const SETTLED_MS = 10_000;

/** Killed after so long, it was at work: what waits for it should not wait longer with each kill. */
const AT_WORK_MS = 2000;

/** `ended`: it is done; `failed`: too often, or it cannot be started at all. */
export type Decision =
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'again'; readonly afterMs: number };

/**
 * Decides after each exit whether the process is started again. Being killed from outside (SIGKILL, SIGTERM) is not the
 * program's failure: it is started again with back-off, but does not count towards the limit, and the pause grows only
 * while it is killed soon after each start.
 */
export class RestartPolicy {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #settledMs: number;
  readonly #finalCodes: readonly number[];
  readonly #backoff: Backoff;
  #failuresAtMs: number[] = [];

  constructor(options: RestartOptions = {}) {
    this.#limit = options.limit ?? 9;
    this.#windowMs = options.windowMs ?? 60_000;
    this.#settledMs = options.settledMs ?? SETTLED_MS;
    this.#finalCodes = options.finalCodes ?? [0];
    this.#backoff = new Backoff(options.minMs ?? 100, options.maxMs ?? 30_000);
  }

  /** @param livedMs from start to exit; undefined when it cannot be started, however often it is tried */
  judge(exit: Exit, livedMs: number | undefined): Decision {
    if (exit.code !== null && this.#finalCodes.includes(exit.code)) return { kind: 'ended' };
    if (livedMs !== undefined && livedMs >= this.#settledMs) {
      this.#backoff.reset();
      this.#failuresAtMs = [];
    }
    const isOwnFailure = !wasKilled(exit);
    if (!isOwnFailure && livedMs !== undefined && livedMs >= AT_WORK_MS) this.#backoff.reset();
    const sinceMs = exit.atMs - this.#windowMs;
    this.#failuresAtMs = [...this.#failuresAtMs, ...(isOwnFailure ? [exit.atMs] : [])].filter(
      (atMs) => atMs >= sinceMs,
    );
    if (livedMs === undefined && this.#limit !== Number.POSITIVE_INFINITY) return { kind: 'failed' };
    if (isOwnFailure && this.#failuresAtMs.length >= this.#limit) return { kind: 'failed' };
    if (this.#limit === Number.POSITIVE_INFINITY) this.#failuresAtMs = [];
    return { kind: 'again', afterMs: this.#backoff.nextMs() };
  }
}

/** By SIGKILL, or by SIGTERM, which programs that end in good order tell as 143. */
function wasKilled({ code, signal }: Exit): boolean {
  return signal === 'SIGKILL' || signal === 'SIGTERM' || code === 143;
}
