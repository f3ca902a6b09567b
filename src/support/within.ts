import { setTimeout as delay } from 'node:timers/promises';

/** The longest time that Node's timers know; longer ones would ring at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Waits for `work` at most so long. Rejects only when `work` does before. */
export async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const timer = new AbortController();
  const late = delay(Math.min(Math.max(ms, 0), MAX_TIMER_MS), undefined, { signal: timer.signal }).catch(
    () => undefined,
  );
  try {
    await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
