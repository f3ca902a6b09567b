import type { QueueName } from '../names.js';
import type { Output } from './contract.js';

/** What one try to settle came to. `gone`: the delivery comes again; `again`: withdrawn, since a release was called. */
export type SettlingAttempt = 'done' | 'gone' | 'again' | { readonly unrouted: QueueName };

export interface SettlingOptions {
  readonly outputs: readonly Output[];
  /** False: what nobody takes is not held any more. Asked at each try. */
  readonly holds: () => boolean;
  /** With `hold` it waits while nobody takes a mandatory output, and may come to `again` when a release is called. */
  readonly attempt: (outputs: readonly Output[], hold: boolean) => Promise<SettlingAttempt>;
}

/**
 * Settles in one step where outputs may be released: those are let go that the broker says nobody takes. Resolves with
 * whether it was carried out.
 */
export async function settleReleasing({ outputs: all, holds, attempt }: SettlingOptions): Promise<boolean> {
  let outputs = all;
  for (;;) {
    const outcome = await attempt(outputs, holds() && !outputs.some(isReleased));
    if (outcome === 'done') return true;
    if (outcome === 'gone') return false;
    if (outcome === 'again') continue;
    const freed = outputs.filter((output) => output.outqueue === outcome.unrouted && isReleased(output));
    for (const { release } of freed) release?.letGo();
    if (freed.length > 0) outputs = outputs.filter((output) => !freed.includes(output));
    else if (!holds()) return false;
    // Another output must be held, and those that are released must not be with it: somebody takes them just now.
    else outputs = outputs.map((output) => (isReleased(output) ? { ...output, mandatory: false } : output));
  }
}

/** Nobody holds it any more: if nobody takes it either, it is let go. */
export function isReleased({ mandatory, release }: Output): boolean {
  return mandatory === true && release?.signal.aborted === true;
}
