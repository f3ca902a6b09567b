import { asError } from '../errors.js';
import type { LogNode, NewRecord } from '../log/index.js';
import type { EngineOutput, Outcome } from './engine.js';
import type { Inqueue } from './inqueue.js';
import { type Batch, bytesOf, owned, type Written } from './pending.js';
import type { Held } from './window.js';

/** The consumer whose delivery is settled. */
export interface Settler {
  readonly node: LogNode;
  readonly queue: Inqueue;
  holds(held: Held): boolean;
  settled(held: Held, outcome: Outcome): void;
}

/** What becomes of one delivery: its outputs and its verdict, in one step. */
export class Settling implements Batch {
  outputs: readonly EngineOutput[];
  readonly bytes: number;
  readonly hold: boolean;
  readonly #settler: Settler;
  readonly #held: Held;
  readonly #isRequeue: boolean;
  readonly #done: (outcome: Outcome) => void;

  constructor(
    settler: Settler,
    held: Held,
    settlement: { readonly outputs: readonly EngineOutput[]; readonly hold: boolean; readonly isRequeue: boolean },
    done: (outcome: Outcome) => void,
  ) {
    this.outputs = settlement.outputs;
    this.bytes = bytesOf(settlement.outputs);
    this.hold = settlement.hold;
    this.#isRequeue = settlement.isRequeue;
    this.#settler = settler;
    this.#held = held;
    this.#done = done;
  }

  isAlive(): boolean {
    return this.#settler.holds(this.#held);
  }

  own(): void {
    this.outputs = owned(this.outputs);
  }

  write(records: readonly NewRecord[], written: Written): void {
    const { node, queue } = this.#settler;
    if (!this.#isRequeue) node.settle(queue.proc, this.#held.token, records, written);
    else
      this.#requeue(records).then(
        () => written.stored(),
        (error: unknown) => written.refused(asError(error)),
      );
  }

  ended(outcome: Outcome): void {
    this.#settler.settled(this.#held, outcome);
    this.#done(outcome);
  }

  async #requeue(records: readonly NewRecord[]): Promise<void> {
    const { node, queue } = this.#settler;
    if (records.length > 0) await node.commit(records);
    await queue.giveBack(this.#held);
  }
}
