import type { LogNode } from '../log/index.js';
import type { EngineConsumer, EngineMessage, EngineOutput, EngineSettlement, Outcome, Submission } from './engine.js';
import type { Inqueue } from './inqueue.js';
import { Pending } from './pending.js';
import type { QueueEngine } from './queue-engine.js';
import { type Settler, Settling } from './settling.js';
import { deadName } from './topology.js';
import type { Held, Window } from './window.js';

const GONE: Submission = { waitsFor: 'nothing', cancel: () => undefined };

/** One consumer; ends with its session. */
export class QueueConsumer implements EngineConsumer, Settler {
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
    const held = this.#window.held.get(tag);
    // One that was withdrawn makes room for the next.
    if (!held || (held.settling && !held.settling.isWithdrawn)) {
      done({ state: 'gone' });
      return GONE;
    }
    const { verdict, hold = false } = settlement;
    const outputs =
      typeof verdict === 'string' ? settlement.outputs : [...settlement.outputs, this.#deadLetter(verdict.deadLetter)];
    const settling = new Settling(this, held, { outputs, hold, isRequeue: verdict === 'requeue' }, done);
    const pending = new Pending(settling);
    held.settling = pending;
    this.#engine.submit(pending);
    return pending;
  }

  get node(): LogNode {
    return this.#engine.node;
  }

  get queue(): Inqueue {
    return this.#queue;
  }

  holds({ tag }: Held): boolean {
    return !this.#isEnded && this.#window.held.has(tag);
  }

  settled(held: Held, { state }: Outcome): void {
    held.settling = undefined;
    if (state === 'gone') this.#giveBack(held);
    else if (state === 'done' && this.#window.held.delete(held.tag)) this.#queue.touch();
  }

  pause(): void {
    this.#queue.pause(this.#window);
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#queue.pause(this.#window);
    const held = [...this.#window.held.values()];
    for (const one of held) if (!one.settling?.isWriting) this.#giveBack(one);
    for (const { settling } of held) settling?.finish({ state: 'gone' });
    this.#onEnd(this);
  }

  /** It will not be settled. */
  #giveBack(held: Held): void {
    if (!this.#window.held.delete(held.tag)) return;
    this.#engine.giveBack(this.#queue, held);
    this.#queue.touch();
  }

  #deadLetter(message: EngineMessage): EngineOutput {
    return { ...message, kind: 'outqueue', name: deadName(this.#queue.name) };
  }
}
