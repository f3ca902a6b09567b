import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Arrival } from './arrivals.js';
import type { Intake } from './intake.js';
import type { Outlet } from './outlet.js';

const PROBE_LIMIT_MS = 1000;

/**
 * Finds out whether a broker delivers to shared subscriptions. Protocol 5 tells; of protocol 4 some brokers refuse them,
 * some know them, and some take the subscription and never deliver: there a message to ourselves shows it.
 */
export class SharingProbe {
  readonly #topic = `msgflo/probe/${randomUUID()}`;
  readonly #arrived = new AbortController();

  /** Whether it was the probe's message, which is then settled. */
  take(arrival: Arrival): boolean {
    if (arrival.message.topic !== this.#topic) return false;
    this.#arrived.abort();
    arrival.settle();
    return true;
  }

  async run(intake: Intake, outlet: Outlet): Promise<boolean> {
    if (outlet.protocol === 5) return intake.canShare;
    const filter = `$share/msgflo-probe/${this.#topic}`;
    try {
      await intake.subscribe(filter, { qos: 1 });
    } catch {
      return false;
    }
    await outlet.publish({ topic: this.#topic, payload: Buffer.alloc(0) });
    await delay(PROBE_LIMIT_MS, undefined, { signal: this.#arrived.signal }).catch(() => undefined);
    await intake.unsubscribe(filter);
    return this.#arrived.signal.aborted;
  }
}
