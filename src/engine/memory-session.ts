import type { QueueName } from '../names.js';
import { DeadLetterRound } from './dead-letter-round.js';
import type {
  EngineClient,
  EngineConsumer,
  EngineDelivery,
  EngineMessage,
  EngineOutput,
  EngineQueueKind,
  EngineQueueOptions,
  EngineRecord,
  EngineRound,
  EngineSession,
  EngineSettlement,
  Outcome,
  Stop,
  Submission,
} from './engine.js';
import { type Inqueue, Window } from './inqueue.js';
import type { MemoryEngine } from './memory-engine.js';
import { bytesOf, Pending } from './pending.js';
import { deadName } from './topology.js';

const GONE: Submission = { waitsFor: 'nothing', cancel: () => undefined };

/** One consumer; ends with its session. */
class MemoryConsumer implements EngineConsumer {
  readonly #engine: MemoryEngine;
  readonly #queue: Inqueue;
  readonly #window: Window;
  readonly #onEnd: (consumer: MemoryConsumer) => void;

  constructor(engine: MemoryEngine, queue: Inqueue, window: Window, onEnd: (consumer: MemoryConsumer) => void) {
    this.#engine = engine;
    this.#queue = queue;
    this.#window = window;
    this.#onEnd = onEnd;
    queue.join(window);
  }

  settle(tag: number, settlement: EngineSettlement, done: (outcome: Outcome) => void): Submission {
    const { held, settling } = this.#window;
    if (!held.has(tag) || settling.has(tag)) {
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
      isAlive: () => held.has(tag),
      commit: () => this.#commit(tag, verdict === 'requeue'),
    };
    const pending = new Pending(
      batch,
      (outcome) => {
        settling.delete(tag);
        done(outcome);
      },
      () => settling.delete(tag),
    );
    settling.set(tag, pending);
    this.#engine.submit(pending);
    return pending;
  }

  pause(): void {
    this.#queue.pause(this.#window);
  }

  end(): void {
    this.#queue.leave(this.#window);
    for (const pending of [...this.#window.settling.values()]) pending.finish({ state: 'gone' });
    this.#onEnd(this);
    this.#engine.touch(this.#queue);
  }

  #commit(tag: number, giveBack: boolean): void {
    const entry = this.#window.held.get(tag);
    if (entry && giveBack) this.#queue.list.giveBack(entry);
    else this.#queue.throughput.out += 1;
    this.#window.held.delete(tag);
    this.#engine.touch(this.#queue);
  }

  #deadLetter(message: EngineMessage): EngineOutput {
    this.#engine.topology.keepDeadLetters(this.#queue.name);
    return { ...message, kind: 'outqueue', name: deadName(this.#queue.name) };
  }
}

/** What one client owns in a MemoryEngine. */
export class MemorySession implements EngineSession {
  readonly #engine: MemoryEngine;
  readonly #client: EngineClient;
  readonly #consumers = new Set<MemoryConsumer>();
  readonly #stops = new Set<Stop>();
  readonly #waiting = new Set<Pending>();
  #ended = false;

  constructor(engine: MemoryEngine, client: EngineClient) {
    this.#engine = engine;
    this.#client = client;
  }

  async declare(kind: EngineQueueKind, name: QueueName, options: EngineQueueOptions): Promise<void> {
    this.#engine.topology.declare(kind, name, options, this);
    this.#engine.retryUnrouted();
  }

  send(output: EngineOutput, done: (outcome: Outcome) => void): Submission {
    const batch = {
      outputs: [output],
      bytes: output.body.length,
      hold: false,
      isAlive: () => !this.#ended,
      commit: () => undefined,
    };
    const pending: Pending = new Pending(
      batch,
      (outcome) => {
        this.#waiting.delete(pending);
        done(outcome);
      },
      () => this.#waiting.delete(pending),
    );
    this.#engine.submit(pending);
    if (pending.waitsFor !== 'nothing') this.#waiting.add(pending);
    return pending;
  }

  consume(inqueue: QueueName, prefetch: number, deliver: (delivery: EngineDelivery) => void): EngineConsumer {
    const queue = this.#engine.topology.use(inqueue, this);
    const consumer = new MemoryConsumer(this.#engine, queue, new Window(prefetch, deliver), (ended) =>
      this.#consumers.delete(ended),
    );
    this.#consumers.add(consumer);
    this.#engine.touch(queue);
    return consumer;
  }

  tap(outqueue: QueueName, handler: (message: EngineMessage) => void): Stop {
    return this.#owned(this.#engine.tap(outqueue, handler));
  }

  watch(name: string, handler: (body: Buffer, retained: boolean) => void): Stop {
    return this.#owned(this.#engine.notices.watch(name, handler));
  }

  visit(inqueue: QueueName): EngineRound {
    const kept = this.#engine.topology.inqueue(deadName(inqueue));
    const round = new DeadLetterRound(kept, (queue) => this.#engine.touch(queue));
    const end = this.#owned(() => round.end());
    return { next: async () => round.next(), settle: async (fate) => round.settle(fate), end };
  }

  /** Nothing is kept here of what was taken. */
  async *browse(): AsyncGenerator<readonly EngineRecord[], void, undefined> {}

  end(how: 'left' | 'died'): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const pending of [...this.#waiting]) pending.finish({ state: 'gone' });
    for (const stop of [...this.#stops]) stop();
    for (const consumer of [...this.#consumers]) consumer.end();
    for (const queue of this.#engine.topology.release(this)) this.#engine.release(queue);
    if (how === 'died' && this.#client.lastWords) void this.#engine.notify(this.#client.lastWords);
  }

  #owned(stop: Stop): Stop {
    const owned: Stop = () => {
      stop();
      this.#stops.delete(owned);
    };
    this.#stops.add(owned);
    return owned;
  }
}
