import type { NewRecord } from '../log/index.js';
import type { EngineConsumer, EngineMessage, EngineOutput, EngineSettlement, Outcome, Submission } from './engine.js';
import type { Inqueue } from './inqueue.js';
import { bytesOf, Pending } from './pending.js';
import type { QueueEngine } from './queue-engine.js';
import { deadName } from './topology.js';
import type { Held, Window } from './window.js';

const GONE: Submission = { waitsFor: 'nothing', cancel: () => undefined };

/** One consumer; ends with its session. */
export class QueueConsumer implements EngineConsumer {
  readonly #engine: QueueEngine;
  readonly #queue: Inqueue;
  readonly #window: Window;
  readonly #onEnd: (consumer: QueueConsumer) => void;
  #isEnded = false;

  constructor(engine: QueueEngine, queue: Inqueue, window: Window, onEnd: (consumer: QueueConsumer) => void) {
    this.#engine = engine;
    this.#queue = queue;
    this.#window = window;
    this.#onEnd = onEnd;
    queue.join(window);
  }

  settle(tag: number, settlement: EngineSettlement, done: (outcome: Outcome) => void): Submission {
    const { held, settling } = this.#window;
    const delivery = held.get(tag);
    const other = settling.get(tag);
    // One that was withdrawn makes room for the next.
    if (!delivery || (other && !other.isWithdrawn)) {
      done({ state: 'gone' });
      return GONE;
    }
    const { verdict, hold = false } = settlement;
    const outputs =
      typeof verdict === 'string' ? settlement.outputs : [...settlement.outputs, this.#deadLetter(verdict.deadLetter)];
    const batch = {
      outputs,
      bytes: bytesOf(outputs),
      hold,
      isAlive: () => held.has(tag) && !this.#isEnded,
      write: (records: readonly NewRecord[]) => this.#write(delivery, verdict === 'requeue', records),
    };
    const pending: Pending = new Pending(batch, (outcome) => {
      if (settling.get(tag) === pending) settling.delete(tag);
      if (outcome.state === 'done') this.#settled(tag);
      else if (outcome.state === 'gone') this.#giveBack(tag);
      done(outcome);
    });
    settling.set(tag, pending);
    this.#engine.submit(pending);
    return pending;
  }

  pause(): void {
    this.#queue.pause(this.#window);
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { held, settling } = this.#window;
    this.#queue.pause(this.#window);
    for (const tag of [...held.keys()]) if (!settling.get(tag)?.isWriting) this.#giveBack(tag);
    for (const pending of [...settling.values()]) pending.finish({ state: 'gone' });
    this.#onEnd(this);
  }

  #settled(tag: number): void {
    this.#window.held.delete(tag);
    this.#queue.touch();
  }

  /** It will not be settled. */
  #giveBack(tag: number): void {
    const held = this.#window.held.get(tag);
    if (!held) return;
    this.#window.held.delete(tag);
    this.#engine.giveBack(this.#queue, held);
    this.#queue.touch();
  }

  async #write(held: Held, givesBack: boolean, records: readonly NewRecord[]): Promise<unknown> {
    const { node } = this.#engine;
    const { proc } = this.#queue;
    if (givesBack && records.length > 0) await node.commit(records);
    if (givesBack) return this.#queue.giveBack(held);
    const { token } = held;
    return records.length > 0 ? node.ackCommit(proc, records, token) : node.ack(proc, token);
  }

  #deadLetter(message: EngineMessage): EngineOutput {
    return { ...message, kind: 'outqueue', name: deadName(this.#queue.name) };
  }
}
