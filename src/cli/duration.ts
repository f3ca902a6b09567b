import { UsageError } from '../errors.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** What a timer of Node can wait for: some 24 days. */
const MAX_MS = 2 ** 31 - 1;
const MAX_AGE_DAYS = 36_500;

/** Reads `500ms`, `1.5s`, `2m`, `1h`, `1d` or plain seconds into ms. @throws {UsageError} naming the flag */
export function parseDuration(flag: `--${string}`, text: string): number {
  const ms = parsed(flag, text);
  if (ms > MAX_MS) throw new UsageError(`${flag} is at most 24 days, not '${text}'`);
  return ms;
}

/** The same for a time that no timer waits for: how long ago, or how old. A hundred years at most. @throws {UsageError} */
export function parseAge(flag: `--${string}`, text: string): number {
  const ms = parsed(flag, text);
  if (ms > MAX_AGE_DAYS * 86_400_000) throw new UsageError(`${flag} is at most ${MAX_AGE_DAYS} days, not '${text}'`);
  return ms;
}

function parsed(flag: string, text: string): number {
  const [, number = '', unit = 's'] = /^(\d+|\d*\.\d+)(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  const ms = Number(number) * (UNITS[unit] ?? 1000);
  if (number === '') throw new UsageError(`${flag} is a duration such as 500ms, 1s or 2m, not '${text}'`);
  return ms;
}

/** In ms below a second, in seconds above. */
export function shownDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}
