/** A signal that aborts with another or when time is over; `end()` lets go of the timer. */
interface TimeLimit {
  readonly signal: AbortSignal;
  end(): void;
}

/**
 * Aborts after `ms`, or when `outer` does. Not `AbortSignal.any()` of an `AbortSignal.timeout()`: of that, Node 20 may
 * collect the timeout as garbage, and then it never comes.
 */
export function timeLimit(ms: number, outer: AbortSignal): TimeLimit {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(new Error(`not within ${ms} ms`)), ms);
  return { signal: AbortSignal.any([outer, over.signal]), end: () => clearTimeout(timer) };
}
