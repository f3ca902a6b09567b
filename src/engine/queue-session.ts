import type { LogNode } from '../log/index.js';
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
  EngineRange,
  EngineRecord,
  EngineRound,
  EngineSession,
  Outcome,
  Stop,
  Submission,
} from './engine.js';
import { Pending } from './pending.js';
import { QueueConsumer } from './queue-consumer.js';
import type { QueueEngine } from './queue-engine.js';
import { type Sender, Sending } from './sending.js';
import { deadName } from './topology.js';
import { Window } from './window.js';

/** What one client owns in a QueueEngine. */
export class QueueSession implements EngineSession, Sender {
  readonly #engine: QueueEngine;
  readonly #client: EngineClient;
  readonly #consumers = new Set<QueueConsumer>();
  readonly #stops = new Set<Stop>();
  /** Sends that are not answered. */
  readonly #sending = new Map<Sending, Pending>();
  #ended = false;

  constructor(engine: QueueEngine, client: EngineClient) {
    this.#engine = engine;
    this.#client = client;
  }

  async declare(kind: EngineQueueKind, name: QueueName, options: EngineQueueOptions): Promise<void> {
    const { topology } = this.#engine;
    await topology.declare(kind, name, options, this);
    if (this.#ended) topology.release(this);
    this.#engine.routesChanged();
  }

  send(output: EngineOutput, done: (outcome: Outcome) => void): Submission {
    const sending = new Sending(this, output, done);
    const pending = new Pending(sending);
    this.#sending.set(sending, pending);
    this.#engine.submit(pending);
    return pending;
  }

  get node(): LogNode {
    return this.#engine.node;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  answered(sending: Sending): void {
    this.#sending.delete(sending);
  }

  consume(inqueue: QueueName, prefetch: number, deliver: (delivery: EngineDelivery) => void): EngineConsumer {
    const queue = this.#engine.topology.use(inqueue, this);
    const consumer = new QueueConsumer(this.#engine, queue, new Window(prefetch, deliver), (ended) =>
      this.#consumers.delete(ended),
    );
    this.#consumers.add(consumer);
    if (this.#ended) this.#release();
    return consumer;
  }

  tap(outqueue: QueueName, handler: (message: EngineMessage) => void): Stop {
    return this.#owned(this.#engine.taps.tap(outqueue, handler));
  }

  watch(name: string, handler: (body: Buffer, retained: boolean) => void): Stop {
    return this.#owned(this.#engine.notices.watch(name, handler));
  }

  visit(inqueue: QueueName): EngineRound {
    const { node, topology } = this.#engine;
    const round = new DeadLetterRound(node, topology.inqueue(deadName(inqueue)));
    const end = this.#owned(() => round.end());
    if (this.#ended) end();
    return { next: () => round.next(), settle: (fate) => round.settle(fate), end };
  }

  browse(queue: QueueName, range?: EngineRange): AsyncGenerator<readonly EngineRecord[], void, undefined> {
    return this.#engine.browse(queue, range);
  }

  end(how: 'left' | 'died'): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const pending of [...this.#sending.values()]) pending.finish({ state: 'gone' });
    for (const stop of [...this.#stops]) stop();
    this.#release();
    if (how === 'died' && this.#client.lastWords) this.#engine.notifyLater(this.#client.lastWords);
  }

  #release(): void {
    for (const consumer of [...this.#consumers]) consumer.end();
    this.#engine.topology.release(this);
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
