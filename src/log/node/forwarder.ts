import { Backoff } from '../../support/index.js';
import type { ClaimDesk } from './claim-desk.js';
import type { NodeClock } from './log-node.js';
import type { Proc } from './proc.js';
import type { ProcTable } from './proc-table.js';

/** Records that are copied in one batch, at most; the store reads about 1 MiB at a time. */
export const FORWARD_COUNT = 1000;
const FIRST_DELAY_MS = 10;
const MAX_DELAY_MS = 3000;

export interface ForwarderOptions {
  readonly table: ProcTable;
  readonly desk: ClaimDesk;
  readonly clock: NodeClock;
  readonly onError: (error: unknown, during: string) => void;
}

/** Copies what a proc is given to another topic, in one write with its ack: each record once, whatever fails between. */
export class Forwarder {
  readonly #proc: Proc;
  readonly #target: string;
  readonly #options: ForwarderOptions;
  readonly #unsubscribe: () => void;
  readonly #backoff = new Backoff(FIRST_DELAY_MS, MAX_DELAY_MS);
  #running: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #isStopped = false;

  constructor(proc: Proc, target: string, options: ForwarderOptions) {
    this.#proc = proc;
    this.#target = target;
    this.#options = options;
    this.#unsubscribe = options.table.wakeups.onWork(proc.name, () => this.#wake());
    this.#wake();
  }

  /** Resolves when nothing is in hand any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unsubscribe();
    this.#cancelRetry?.();
    await this.#running;
  }

  #wake(): void {
    if (this.#running || this.#cancelRetry || this.#isStopped) return;
    this.#running = this.#forward().finally(() => {
      this.#running = undefined;
      if (this.#proc.hasWork) this.#wake();
    });
  }

  async #forward(): Promise<void> {
    const { desk } = this.#options;
    try {
      while (!this.#isStopped && this.#proc.hasWork) {
        const [claim] = await desk.claim(this.#proc, 1);
        const open = claim && this.#proc.claims.get(claim.token);
        if (!open) continue;
        const records = claim.records.map(({ body, headers }) => ({ topic: this.#target, body, headers }));
        try {
          await desk.settle(this.#proc, open, records);
        } catch (error) {
          if (!this.#proc.isDestroyed) desk.release(this.#proc, open);
          throw error;
        }
      }
      this.#backoff.reset();
    } catch (error) {
      if (this.#isStopped) return;
      this.#options.onError(error, `copying from '${this.#proc.topic.name}' to '${this.#target}'`);
      this.#cancelRetry = this.#options.clock.after(this.#backoff.nextMs(), () => {
        this.#cancelRetry = undefined;
        this.#wake();
      });
    }
  }
}
