import { setTimeout as delay } from 'node:timers/promises';

/** The longest time that Node's timers know; longer ones would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves when `work` has ended, well or not, or after `limitMs` milliseconds; leaves no timer. */
export async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const late = delay(Math.min(Math.max(limitMs, 0), MAX_TIMER_MS), undefined, { signal: timer.signal });
  await Promise.race([work.catch(() => {}), late.catch(() => {})]);
  timer.abort();
}
