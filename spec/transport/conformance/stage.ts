import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { asQueueName, type QueueName } from '../../../src/names.js';
import type {
  Broker,
  ClientOptions,
  ConsumeOptions,
  Consumer,
  Delivery,
  Output,
  QueueOptions,
  Settlement,
  Verdict,
} from '../../../src/transport/index.js';
import type { Server } from './server.js';

/** A delivery in the hand of a spec, which settles it when it likes. */
export interface Held {
  readonly delivery: Delivery;
  settle(verdict?: Verdict, outputs?: readonly Output[]): void;
}

/** What a consumer of a spec was given, in order. */
export class Inbox {
  readonly all: Held[] = [];
  readonly inqueue: QueueName;
  #consumer: Consumer | undefined;
  #read = 0;

  constructor(inqueue: QueueName) {
    this.inqueue = inqueue;
  }

  get consumer(): Consumer {
    if (!this.#consumer) throw new Error('the consumer has not begun');
    return this.#consumer;
  }

  get data(): unknown[] {
    return this.all.map((held) => held.delivery.data);
  }

  begun(consumer: Consumer): this {
    this.#consumer = consumer;
    return this;
  }

  /** Has `next` begin behind what has come so far. */
  skip(): void {
    this.#read = this.all.length;
  }

  /** The next one not yet asked for. */
  async next(): Promise<Held> {
    const at = this.#read;
    this.#read += 1;
    return eventually(() => this.all[at], `delivery ${at + 1}`);
  }
}

/** Clients and names for one spec; `clear` closes what was opened. */
export class Stage {
  readonly #server: Server;
  readonly #clients: Broker[] = [];

  constructor(server: Server) {
    this.#server = server;
  }

  async connect(options: Partial<ClientOptions> = {}): Promise<Broker> {
    const client = await this.#server.connect(options);
    this.#clients.push(client);
    return client;
  }

  /** Has `clear` close a client that was not opened here. */
  adopt(client: Broker): Broker {
    this.#clients.push(client);
    return client;
  }

  /** As a crash where the server can do that, otherwise close without grace. */
  async kill(client: Broker): Promise<void> {
    if (this.#server.kill) await this.#server.kill(client);
    else await client.close({ graceMs: 0 });
  }

  async clear(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close({ graceMs: 0 })));
  }

  /** A queue name that no other spec uses. */
  name(kind = 'queue'): QueueName {
    return asQueueName(`spec.${kind}.${randomUUID().slice(0, 8)}`);
  }

  async inqueue(broker: Broker, options?: QueueOptions): Promise<QueueName> {
    const name = this.name('IN');
    await broker.declare('inqueue', name, options);
    return name;
  }

  async outqueue(broker: Broker): Promise<QueueName> {
    const name = this.name('OUT');
    await broker.declare('outqueue', name);
    return name;
  }

  /** Takes and acks all that comes. */
  async collect(broker: Broker, inqueue: QueueName, options?: ConsumeOptions): Promise<Inbox> {
    const inbox = new Inbox(inqueue);
    const handler = async (delivery: Delivery): Promise<Settlement> => {
      inbox.all.push({ delivery, settle: () => undefined });
      return { verdict: 'ack', outputs: [] };
    };
    return inbox.begun(await broker.consume(inqueue, handler, options));
  }

  /** Takes what comes and leaves settling to the spec. */
  async hold(broker: Broker, inqueue: QueueName, options?: ConsumeOptions): Promise<Inbox> {
    const inbox = new Inbox(inqueue);
    const handler = (delivery: Delivery): Promise<Settlement> =>
      new Promise((resolve) => {
        inbox.all.push({ delivery, settle: (verdict = 'ack', outputs = []) => resolve({ verdict, outputs }) });
      });
    return inbox.begun(await broker.consume(inqueue, handler, options));
  }

  /** Sends a marker through a queue of its own: what the broker had for this client before has come then. */
  async pass(broker: Broker): Promise<void> {
    const inbox = await this.collect(broker, await this.inqueue(broker));
    await broker.send('inqueue', inbox.inqueue, { data: 'marker' });
    await inbox.next();
    await inbox.consumer.cancel();
  }

  /** Makes an edge as participants of ours get it: bound by the broker, otherwise listened to. */
  async connectEdge(broker: Broker, consumer: Consumer, source: QueueName, target: QueueName): Promise<void> {
    if (broker.capabilities.binds) await broker.bind({ kind: 'pubsub', source, target });
    else await consumer.listenTo([source]);
  }
}

/** Waits until `probe` gives something else than undefined and false. */
export async function eventually<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  limitMs = 8000,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms for ${what}`);
    await delay(5);
  }
}

/** Expects a rejection with this code, and gives the error. */
export async function rejection(work: Promise<unknown>, code: string): Promise<Error> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome, `should reject with ${code}`).to.be.instanceOf(Error).with.property('code', code);
  if (!(outcome instanceof Error)) throw new Error('unreachable');
  return outcome;
}
