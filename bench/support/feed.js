import { access } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createMessage } from './message.js';
import { warmFile } from './plan.js';

/** Unconfirmed messages of a source at a time. */
const WINDOW = 500;

/**
 * The source's part of a plan: sends the warm-up, waits until the sink has had it, then sends what is measured.
 * @param {import('./plan.js').Plan} plan
 * @param {(message: import('./message.js').Message, confirmed: () => void) => void} send
 * @param {AbortSignal} [signal]
 */
export async function feed(plan, send, signal) {
  const { run, warmUp, count, perSecond } = plan;
  await sendRange({ run, from: 0, to: warmUp, send });
  while (!(await exists(warmFile(plan)))) await delay(20, undefined, signal ? { signal } : {});
  await sendRange({ run, from: warmUp, to: warmUp + count, send, perSecond });
}

/**
 * @param {{ run: string, from: number, to: number, perSecond?: number | undefined,
 *   send: (message: import('./message.js').Message, confirmed: () => void) => void }} range
 */
async function sendRange({ run, from, to, perSecond, send }) {
  const startedMs = performance.now();
  let open = 0;
  let resume = () => {};
  const confirmed = () => {
    open -= 1;
    if (open <= WINDOW / 2) resume();
  };
  for (let n = from; n < to; n += 1) {
    if (perSecond !== undefined)
      await delay(Math.max(0, startedMs + ((n - from) * 1000) / perSecond - performance.now()));
    if (open >= WINDOW) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        resume = resolve;
      });
    }
    open += 1;
    send(createMessage(run, n), confirmed);
  }
}

/** @param {string} path */
async function exists(path) {
  return access(path).then(
    () => true,
    () => false,
  );
}
