import { type Engine, EngineRefusedError, type EngineSession, type Stop } from '../../engine/index.js';
import { messageOf, UnsupportedError } from '../../errors.js';
import { readHeaders, writeHeaders } from '../../log/index.js';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import {
  type Binding,
  type Broker,
  type Capabilities,
  type ClientOptions,
  type ConsumeOptions,
  type Consumer,
  checkPrefetch,
  checkQueueOptions,
  type Delivery,
  decodePayload,
  encodePayload,
  type Handler,
  type LetterVisit,
  type Message,
  NotConnectedError,
  type Notice,
  type NoticeHandler,
  type QueueDepth,
  type QueueKind,
  QueueMismatchError,
  QueueNotFoundError,
  type QueueOptions,
  RefusedError,
  type Status,
  type Subscription,
  stamped,
  UnroutedError,
} from '../index.js';
import { DirectConsumer } from './direct-consumer.js';

/** The broker is an engine in this process. Nothing outlives the engine. */
export class DirectBroker implements Broker {
  readonly capabilities: Capabilities = {
    binds: true,
    foreignBindings: true,
    headers: true,
    persistent: false,
    reportsUnrouted: true,
    lastWords: true,
    depths: true,
    expiry: true,
    limits: true,
    queueArguments: false,
    replay: false,
    credits: false,
  };
  readonly #engine: Engine;
  readonly #options: ClientOptions;
  readonly #log: Logger;
  readonly #consumers = new Set<DirectConsumer>();
  #session: EngineSession | undefined;
  #status: Status = 'idle';
  #closing: Promise<void> | undefined;

  constructor(engine: Engine, options: ClientOptions, log: Logger) {
    this.#engine = engine;
    this.#options = options;
    this.#log = log;
  }

  get status(): Status {
    return this.#status;
  }

  async connect(): Promise<void> {
    if (this.#closing) throw new NotConnectedError('connect');
    if (this.#session) return;
    const { id, lastWords } = this.#options;
    this.#session = this.#engine.open(
      lastWords ? { id, lastWords: { ...lastWords, retain: lastWords.retain === true } } : { id },
    );
    this.#status = 'open';
  }

  async close({ graceMs = 5000 }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    await this.#closing;
  }

  /** Leaves as a crash would: what it holds is given back at once, and its last words are published. */
  kill(): void {
    this.#closing ??= Promise.resolve();
    this.#session?.end('died');
    this.#session = undefined;
    this.#status = 'closed';
  }

  async declare(kind: QueueKind, name: QueueName, options: QueueOptions = {}): Promise<void> {
    checkQueueOptions(kind, name, options, this.capabilities);
    const session = this.#open('declare');
    await translatedLater(() => session.declare(kind, name, { ...options, persistent: options.persistent ?? true }));
  }

  async send(
    kind: QueueKind,
    name: QueueName,
    { data, headers }: Message,
    { mandatory = false }: { readonly mandatory?: boolean } = {},
  ): Promise<void> {
    // A handler in hand may still send while the client closes.
    const session = this.#session ?? this.#open('send');
    // Copies: what the sender does with its own afterwards is none of the receivers' business.
    const body = ArrayBuffer.isView(data) ? Buffer.from(encodePayload(data)) : encodePayload(data);
    const output = { kind, name, body, headers: writeHeaders(stamped(headers)), mandatory };
    await new Promise<void>((resolve, reject) => {
      session.send(output, (outcome) => {
        if (outcome.state === 'done') resolve();
        else if (outcome.state === 'refused') reject(new RefusedError(outcome.text));
        else reject(outcome.state === 'unrouted' ? new UnroutedError(name) : new NotConnectedError('send'));
      });
    });
  }

  async consume(inqueue: QueueName, handler: Handler, { prefetch = 1 }: ConsumeOptions = {}): Promise<Consumer> {
    const session = this.#open('consume');
    checkPrefetch(prefetch);
    const consumer = new DirectConsumer(inqueue, handler, (ended) => this.#consumers.delete(ended));
    consumer.attach(translated(() => session.consume(inqueue, prefetch, (delivery) => consumer.take(delivery))));
    this.#consumers.add(consumer);
    return consumer;
  }

  async notify({ name, body, retain = false }: Notice): Promise<void> {
    this.#open('notify');
    await this.#engine.notify({ name, body, retain });
  }

  async watch(name: string, handler: NoticeHandler): Promise<Subscription> {
    const session = this.#open('watch');
    return this.#later((call) => session.watch(name, (body, retained) => call(() => handler(body, { retained }))));
  }

  async bind(binding: Binding): Promise<void> {
    this.#open('bind');
    await translatedLater(() => this.#engine.bind(binding));
  }

  async unbind(binding: Binding): Promise<void> {
    this.#open('unbind');
    await this.#engine.unbind(binding);
  }

  async bindings(): Promise<readonly Binding[]> {
    this.#open('bindings');
    return this.#engine.bindings();
  }

  async tap(outqueue: QueueName, handler: (delivery: Delivery) => void): Promise<Subscription> {
    const session = this.#open('tap');
    return this.#later((call) =>
      session.tap(outqueue, ({ body, headers }) =>
        call(() => handler({ data: decodePayload(body), headers: readHeaders(headers).headers, redelivered: false })),
      ),
    );
  }

  async depths(queues: readonly QueueName[]): Promise<readonly QueueDepth[]> {
    this.#open('depths');
    return this.#engine.depths(queues);
  }

  async flowTo(): Promise<void> {
    throw new UnsupportedError('flowTo(): this broker holds senders back by itself');
  }

  async visitDeadLetters(inqueue: QueueName, visit: LetterVisit): Promise<number> {
    const session = this.#open('visitDeadLetters');
    const round = session.visit(inqueue);
    let visited = 0;
    try {
      for (let letter = await round.next(); letter; letter = await round.next()) {
        visited += 1;
        const { key, body, headers } = letter;
        const fate = await visit({ key, body: Buffer.from(body), headers: readHeaders(headers).headers });
        if (this.#session !== session) throw new NotConnectedError('visitDeadLetters');
        if (fate === 'remove') await round.settle('remove');
        if (fate === 'stop') break;
      }
    } finally {
      round.end();
    }
    return visited;
  }

  async deadLetterInqueues(): Promise<readonly QueueName[]> {
    this.#open('deadLetterInqueues');
    return this.#engine.deadLetterInqueues();
  }

  /** Never tells of any: nothing is dropped here but the oldest of too many dead letters. */
  async losses(): Promise<Subscription> {
    this.#open('losses');
    return { cancel: async () => {} };
  }

  /** Calls handlers once the engine is done with its step; one that throws harms nobody else. */
  #later(begin: (call: (handler: () => void) => void) => Stop): Subscription {
    let isOn = true;
    const stop = begin((handler) => {
      queueMicrotask(() => {
        try {
          if (isOn) handler();
        } catch (error) {
          this.#log.warn(`a handler of ${this.#options.id} threw: ${messageOf(error)}`);
        }
      });
    });
    return {
      cancel: async () => {
        isOn = false;
        stop();
      },
    };
  }

  async #close(graceMs: number): Promise<void> {
    if (this.#status === 'open') this.#status = 'closing';
    await Promise.all([...this.#consumers].map((consumer) => consumer.close(graceMs)));
    this.#session?.end('left');
    this.#session = undefined;
    this.#status = 'closed';
  }

  #open(call: string): EngineSession {
    if (!this.#session || this.#closing) throw new NotConnectedError(call);
    return this.#session;
  }
}

function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asTransportError(error);
  }
}

async function translatedLater<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asTransportError(error);
  }
}

function asTransportError(error: unknown): unknown {
  if (!(error instanceof EngineRefusedError)) return error;
  const { refusal, queue, message } = error;
  if (refusal === 'not-found') return new QueueNotFoundError(queue, { cause: error });
  return new QueueMismatchError(queue, message, { cause: error });
}
