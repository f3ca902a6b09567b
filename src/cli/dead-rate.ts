import { setTimeout as delay } from 'node:timers/promises';
import { UsageError } from '../errors.js';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

const LONGEST_MS = 3_600_000;

/** Reads `20/s`, `100/m`, plain messages a second, `0` or `max`. @returns ms between two, 0 for as fast as possible */
export function parseRate(text: string): number {
  if (text === 'max') return 0;
  const [, number = '', unit = 's'] = /^(\d+|\d*\.\d+)(?:\/([smh]))?$/.exec(text) ?? [];
  if (number === '') throw new UsageError(`--rate is so many a second such as 20/s, or 0 or max, not '${text}'`);
  const count = Number(number);
  const everyMs = count === 0 ? 0 : (UNIT_MS[unit] ?? 1000) / count;
  if (everyMs > LONGEST_MS) throw new UsageError(`--rate is at least one an hour, not '${text}'`);
  return everyMs;
}

/** Lets one go every so many ms. */
export class Pace {
  readonly #everyMs: number;
  #dueMs = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Resolves when the next may go, with false when the signal aborted before. */
  async next(signal: AbortSignal): Promise<boolean> {
    const nowMs = performance.now();
    const dueMs = Math.max(this.#dueMs, nowMs);
    this.#dueMs = dueMs + this.#everyMs;
    try {
      if (dueMs > nowMs) await delay(dueMs - nowMs, undefined, { signal });
    } catch {
      return false;
    }
    return !signal.aborted;
  }
}
