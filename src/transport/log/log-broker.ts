import { messageOf, UnsupportedError } from '../../errors.js';
import { readTlsFiles } from '../../log/wire/index.js';
import { asQueueName, type QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import {
  type Binding,
  type Broker,
  type BrowseRange,
  type Capabilities,
  type ClientOptions,
  type ConsumeOptions,
  type Consumer,
  checkQueueOptions,
  type Delivery,
  decodePayload,
  type Handler,
  type KeptMessage,
  type LetterVisit,
  type Message,
  NotConnectedError,
  type Notice,
  type NoticeHandler,
  type QueueDepth,
  type QueueKind,
  type QueueOptions,
  Stamps,
  type Status,
  type Subscription,
} from '../index.js';
import { readLogTarget, shownLogAddress } from './address.js';
import { browseOver } from './browsing.js';
import type { Fields } from './fields.js';
import { HeaderWriter, withCreatedAt } from './header-text.js';
import { LogConsumer } from './log-consumer.js';
import { payloadText } from './message-frames.js';
import { Restorables } from './restorables.js';
import { Session } from './session.js';
import { Unconfirmed } from './unconfirmed.js';
import { visitOver } from './visiting.js';

const CAPABILITIES: Capabilities = {
  binds: true,
  foreignBindings: true,
  headers: true,
  persistent: true,
  reportsUnrouted: true,
  lastWords: true,
  depths: true,
  expiry: true,
  limits: true,
  queueArguments: false,
  replay: true,
  credits: false,
};
const MIB = 1024 * 1024;
/** Well below what the broker lets one client have waiting. */
const MAX_UNCONFIRMED = { messages: 1024, bytes: 64 * MIB };

/**
 * Client of a node. It reconnects by itself, to whatever node serves the folder then, and tells it again what it declared,
 * bound, consumes and watches; what was sent and not answered is sent again.
 */
export class LogBroker implements Broker {
  readonly #session: Session;
  readonly #log: Logger;
  readonly #restorables: Restorables;
  readonly #headers = new HeaderWriter(new Stamps());
  readonly #consumers = new Map<number, LogConsumer>();
  readonly #watchers = new Map<number, (fields: Fields, body: Buffer) => void>();
  readonly #unconfirmed = new Unconfirmed(MAX_UNCONFIRMED);
  #ids = 0;
  #told: Capabilities | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  /** @throws {UsageError} for an address that is none @throws {AddressError} for a key or certificate that cannot be read */
  constructor(address: URL, options: ClientOptions, log: Logger) {
    const target = readLogTarget(address);
    // What is missing is said at once; it is read again at each connection, when it may have been renewed.
    if (target.kind === 'port' && target.tls) readTlsFiles(target.tls, 'client');
    this.#log = log;
    this.#restorables = new Restorables(log);
    const watched = (fields: Fields, body: Buffer) => this.#watchers.get(fields.count('watch'))?.(fields, body);
    this.#session = new Session({
      target,
      shown: shownLogAddress(address),
      client: options,
      log,
      events: {
        onTapped: watched,
        onNotice: watched,
        onDelivery: (connection, delivery) => this.#consumers.get(delivery.consumer)?.take(connection, delivery),
      },
      restore: (connection) => this.#restorables.restore(connection),
    });
  }

  /** Nodes differ in `persistent` and `replay`; before they are known both are taken for true. */
  get capabilities(): Capabilities {
    this.#told ??= this.#session.abilities && { ...CAPABILITIES, ...this.#session.abilities };
    return this.#told ?? CAPABILITIES;
  }

  get status(): Status {
    if (this.#isClosed) return 'closed';
    if (this.#closing) return 'closing';
    if (this.#session.connection) return 'open';
    if (this.#opening) return 'opening';
    return this.#session.wasOpen ? 'reconnecting' : 'idle';
  }

  get reconnects(): number {
    return this.#session.reconnects;
  }

  async connect({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#closing) throw new NotConnectedError('connect');
    if (this.#session.wasOpen) return;
    this.#opening ??= this.#session.connect(signal).finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  async close({ graceMs = 5000 }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    await this.#closing;
  }

  /** Leaves as a crash would: no goodbye, so that the broker publishes the last words. */
  kill(): void {
    this.#closing ??= Promise.resolve();
    this.#isClosed = true;
    this.#restorables.forgetAll();
    this.#session.drop();
  }

  async declare(kind: QueueKind, name: QueueName, options: QueueOptions = {}): Promise<void> {
    checkQueueOptions(kind, name, options, this.capabilities);
    const { persistent = true, ttlMs, maxLength, maxBytes } = options;
    const head = { op: 'declare', kind, name, persistent, ttlMs, maxLength, maxBytes };
    await this.#keep('declare', `declare ${kind} ${name}`, head, false);
  }

  async send(
    kind: QueueKind,
    name: QueueName,
    { data, headers }: Message,
    { mandatory = false }: { readonly mandatory?: boolean } = {},
  ): Promise<void> {
    // A handler in hand may still send while the client closes.
    if (!this.#closing || this.#isClosed) this.#check('send');
    const body = payloadText(data);
    const message = { kind, name, mandatory, headers: this.#headers.text(headers), body };
    await this.#unconfirmed.run(body.length, () => this.#session.send(message));
  }

  async consume(inqueue: QueueName, handler: Handler, { prefetch = 1 }: ConsumeOptions = {}): Promise<Consumer> {
    const id = this.#newId();
    const key = `consumer ${id}`;
    const consumer: LogConsumer = new LogConsumer(id, inqueue, prefetch, handler, {
      tell: async (head) => {
        await this.#session.connection?.request(head).catch(() => undefined);
      },
      headers: this.#headers,
      forget: () => {
        this.#restorables.forget(key);
        this.#consumers.delete(id);
      },
    });
    this.#consumers.set(id, consumer);
    try {
      await this.#keep('consume', key, consumer.head, true);
    } catch (error) {
      this.#consumers.delete(id);
      throw error;
    }
    return consumer;
  }

  async notify({ name, body, retain = false }: Notice): Promise<void> {
    this.#check('notify');
    await this.#session.call({ op: 'notify', name, retain }, body);
  }

  async watch(name: string, handler: NoticeHandler): Promise<Subscription> {
    return this.#subscribe('watch', name, (fields, body) => handler(body, { retained: fields.flag('retained') }));
  }

  async tap(outqueue: QueueName, handler: (delivery: Delivery) => void): Promise<Subscription> {
    return this.#subscribe('tap', outqueue, (fields, body) =>
      handler({ data: decodePayload(body), headers: withCreatedAt(fields.texts('headers')), redelivered: false }),
    );
  }

  async bind({ kind, source, target }: Binding): Promise<void> {
    await this.#keep('bind', bindingKey(kind, source, target), { op: 'bind', kind, source, target }, true);
  }

  async unbind({ kind, source, target }: Binding): Promise<void> {
    this.#check('unbind');
    this.#restorables.forget(bindingKey(kind, source, target));
    await this.#session.call({ op: 'unbind', kind, source, target });
  }

  async bindings(): Promise<readonly Binding[]> {
    this.#check('bindings');
    const answer = await this.#session.call({ op: 'bindings' });
    return (answer?.fields.list('bindings') ?? []).map((row) => ({
      kind: row.oneOf('kind', ['pubsub', 'roundrobin']),
      source: asQueueName(row.text('source')),
      target: asQueueName(row.text('target')),
    }));
  }

  async depths(queues: readonly QueueName[]): Promise<readonly QueueDepth[]> {
    this.#check('depths');
    const answer = await this.#session.call({ op: 'depths', queues });
    return (answer?.fields.list('depths') ?? []).map((row) => ({
      queue: asQueueName(row.text('queue')),
      ready: row.count('ready'),
      unacked: row.count('unacked'),
      consumers: row.count('consumers'),
      ...(row.has('inPerSecond') && { inPerSecond: row.amount('inPerSecond') }),
      ...(row.has('outPerSecond') && { outPerSecond: row.amount('outPerSecond') }),
      ...(row.has('damage') && { damage: row.text('damage') }),
    }));
  }

  async flowTo(): Promise<void> {
    throw new UnsupportedError('flowTo(): this broker holds senders back by itself');
  }

  /** @throws {ConnectionLostError} (retryable) when the broker is lost in the middle: not removed is what it showed last */
  async visitDeadLetters(inqueue: QueueName, visit: LetterVisit): Promise<number> {
    const check = (): void => this.#check('visitDeadLetters');
    check();
    return visitOver(await this.#session.connected(), { round: this.#newId(), inqueue, visit, check });
  }

  async deadLetterInqueues(): Promise<readonly QueueName[]> {
    this.#check('deadLetterInqueues');
    const answer = await this.#session.call({ op: 'letters' });
    return (answer?.fields.names('inqueues') ?? []).map(asQueueName);
  }

  async *browse(queue: QueueName, range: BrowseRange = {}): AsyncGenerator<readonly KeptMessage[], void, undefined> {
    this.#check('browse');
    if (!this.capabilities.replay) throw new UnsupportedError('browse(): this node keeps nothing of what was taken');
    yield* browseOver(await this.#session.connected(), this.#newId(), queue, range);
  }

  /** Never tells of any: nothing is dropped here but the oldest of too many dead letters. */
  async losses(): Promise<Subscription> {
    this.#check('losses');
    return { cancel: async () => {} };
  }

  /** Asks for something that the broker is to be told again on every new connection. */
  async #keep(call: string, key: string, head: object, needsQueues: boolean): Promise<void> {
    this.#check(call);
    await this.#session.call(head);
    this.#restorables.keep(key, head, needsQueues);
  }

  async #subscribe(
    op: 'watch' | 'tap',
    name: string,
    show: (fields: Fields, body: Buffer) => void,
  ): Promise<Subscription> {
    const id = this.#newId();
    const key = `${op} ${id}`;
    this.#watchers.set(id, (fields, body) => {
      try {
        show(fields, body);
      } catch (error) {
        this.#log.warn(`a handler of ${op} ${name} threw: ${messageOf(error)}`);
      }
    });
    try {
      await this.#keep(op, key, { op, watch: id, name }, false);
    } catch (error) {
      this.#watchers.delete(id);
      throw error;
    }
    return {
      cancel: async (): Promise<void> => {
        this.#restorables.forget(key);
        if (!this.#watchers.delete(id)) return;
        await this.#session.connection?.request({ op: 'unwatch', watch: id }).catch(() => undefined);
      },
    };
  }

  async #close(graceMs: number): Promise<void> {
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.close(graceMs)));
    this.#restorables.forgetAll();
    await this.#session.leave();
    this.#isClosed = true;
  }

  #check(call: string): void {
    const isUsable = this.#session.wasOpen && !this.#closing;
    if (!isUsable) throw new NotConnectedError(call);
  }

  #newId(): number {
    this.#ids += 1;
    return this.#ids;
  }
}

const bindingKey = (...binding: readonly string[]): string => `bind ${JSON.stringify(binding)}`;
