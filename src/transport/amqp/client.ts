import type { ChannelModel } from 'amqplib';
import { MsgfloError, messageOf, UnsupportedError } from '../../errors.js';
import { asQueueName, type QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import {
  type Binding,
  type Broker,
  type Capabilities,
  type ClientOptions,
  type ConsumeOptions,
  type Consumer,
  checkHeaders,
  checkPrefetch,
  checkQueueOptions,
  type Delivery,
  type Handler,
  type LetterVisit,
  type Message,
  NotConnectedError,
  type Notice,
  type NoticeHandler,
  type QueueDepth,
  type QueueKind,
  QueueNotFoundError,
  type QueueOptions,
  RefusedError,
  type Status,
  type Subscription,
  UnroutedError,
} from '../index.js';
import { Alarm } from './alarm.js';
import { Binder } from './binder.js';
import { ChannelPool } from './channel-pool.js';
import { AmqpConsumer } from './consumer.js';
import { DeadLetterRound } from './dead-letter-round.js';
import { Depths } from './depths.js';
import { DISCOVERY, DiscoveryInbox } from './discovery-inbox.js';
import { Link } from './link.js';
import { Management } from './management.js';
import { Notices } from './notices.js';
import { Outage } from './outage.js';
import { type Part, Parts } from './parts.js';
import { Publisher } from './publisher.js';
import { refusalError, refusalOf } from './refusal.js';
import { Taps } from './taps.js';
import { Topology } from './topology.js';
import { Watch } from './watch.js';
import { Letter } from './wire.js';

const CAPABILITIES: Capabilities = {
  binds: true,
  foreignBindings: false,
  headers: true,
  persistent: true,
  reportsUnrouted: true,
  lastWords: false,
  depths: true,
  expiry: true,
  limits: true,
  queueArguments: true,
  replay: false,
  credits: false,
};

const MANAGED: Capabilities = { ...CAPABILITIES, foreignBindings: true };

/**
 * A client of an AMQP broker. It takes messages over one connection and publishes over another: a broker short of memory
 * stops reading from connections that publish, and must still hear acks and declarations.
 */
export class AmqpClient implements Broker {
  readonly #log: Logger;
  readonly #taking: Link;
  readonly #sending: Link;
  readonly #pool: ChannelPool;
  readonly #publisher: Publisher;
  readonly #topology: Topology;
  readonly #binder: Binder;
  readonly #notices: Notices;
  readonly #parts = new Parts();
  readonly #ending = new AbortController();
  /** Where it was asked for. */
  readonly #management: Management | undefined;
  readonly #depths: Depths;
  #taps: Taps | undefined;
  #inbox: Promise<void> | undefined;
  #state: Exclude<Status, 'reconnecting'> = 'idle';
  #connecting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(address: URL, { id, management: where }: ClientOptions, log: Logger) {
    const outage = new Outage(log);
    const alarm = new Alarm(log);
    const restored = { prepare: (model: ChannelModel): Promise<void> => this.#topology.restore(model) };
    const onUp = (): void => this.#binder.restore(this.#ending.signal);
    this.#log = log;
    this.#taking = new Link({ address, name: id, outage, onUp, ...restored });
    this.#sending = new Link({ address, name: `${id} (publishing)`, outage, alarm, ...restored });
    this.#pool = new ChannelPool(this.#taking);
    this.#publisher = new Publisher(this.#sending, log, async (exchange) => {
      await this.#pool.run(asQueueName(exchange), (channel) => channel.checkExchange(exchange));
    });
    this.#topology = new Topology(this.#pool, log);
    this.#binder = new Binder(this.#pool, log);
    this.#notices = new Notices(this.#pool, this.#publisher);
    if (where !== undefined) this.#management = new Management({ address, where, log });
    this.#depths = new Depths(this.#pool, this.#management);
  }

  get capabilities(): Capabilities {
    return this.#management?.isThere ? MANAGED : CAPABILITIES;
  }

  get status(): Status {
    const down = !this.#taking.model || !this.#sending.model;
    return this.#state === 'open' && down ? 'reconnecting' : this.#state;
  }

  get reconnects(): number {
    return Math.max(this.#taking.reconnects, this.#sending.reconnects);
  }

  async connect({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#state === 'open') return;
    if (this.#closing) throw new NotConnectedError('connect()');
    this.#connecting ??= this.#open(signal).finally(() => {
      this.#connecting = undefined;
    });
    await this.#connecting;
  }

  close({ graceMs = 5000 }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async declare(kind: QueueKind, name: QueueName, options: QueueOptions = {}): Promise<void> {
    this.#mustBeOpen('declare()');
    checkQueueOptions(kind, name, options, this.capabilities);
    await this.#topology.declare(kind, name, options);
  }

  /** Sent to an inqueue, the message is mandatory in any case: the broker confirms what no queue took. */
  send(
    kind: QueueKind,
    name: QueueName,
    message: Message,
    { mandatory = false }: { readonly mandatory?: boolean } = {},
  ): Promise<void> {
    try {
      this.#mustBeOpen('send()');
      checkHeaders(message.headers);
      if (kind === 'outqueue') return this.#publisher.publish(new Letter(name, '', message, mandatory));
      const sent = this.#publisher.publish(new Letter('', name, message, true));
      return mandatory ? sent : sent.catch((error: unknown) => throwMissing(name, error));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async consume(inqueue: QueueName, handler: Handler, { prefetch = 1 }: ConsumeOptions = {}): Promise<Consumer> {
    this.#mustBeOpen('consume()');
    checkPrefetch(prefetch);
    const consumer = new AmqpConsumer({
      link: this.#taking,
      publisher: this.#publisher,
      log: this.#log,
      inqueue,
      handler,
      prefetch,
      holdDeadLetters: () => this.#topology.holdDeadLetters(inqueue),
    });
    const { cancel } = await this.#started(consumer, inqueue, () => consumer.cancel());
    return { listenTo: () => consumer.listenTo(), cancel };
  }

  async notify(notice: Notice): Promise<void> {
    this.#mustBeOpen('notify()');
    await this.#notices.send(notice);
  }

  async watch(name: string, handler: NoticeHandler): Promise<Subscription> {
    this.#mustBeOpen('watch()');
    const watch = new Watch({ link: this.#taking, pool: this.#pool, log: this.#log, name, handler });
    const subscription = await this.#started(watch, asQueueName(name));
    if (name === DISCOVERY) await this.#passOnDiscovery();
    return subscription;
  }

  async bind(binding: Binding): Promise<void> {
    this.#mustBeOpen('bind()');
    await this.#binder.bind(binding);
  }

  async unbind(binding: Binding): Promise<void> {
    this.#mustBeOpen('unbind()');
    await this.#binder.unbind(binding);
  }

  async bindings(): Promise<readonly Binding[]> {
    this.#mustBeOpen('bindings()');
    return this.#management?.isThere ? this.#management.bindings() : this.#binder.made;
  }

  async tap(outqueue: QueueName, handler: (delivery: Delivery) => void): Promise<Subscription> {
    this.#mustBeOpen('tap()');
    this.#taps ??= new Taps(this.#taking, this.#pool, this.#log);
    this.#parts.add(this.#taps);
    return this.#translated(outqueue, this.#taps.add(outqueue, handler));
  }

  async depths(queues: readonly QueueName[]): Promise<readonly QueueDepth[]> {
    this.#mustBeOpen('depths()');
    return this.#depths.rows(queues);
  }

  async flowTo(): Promise<void> {
    throw new UnsupportedError('flowTo(): this broker holds senders back by itself');
  }

  async visitDeadLetters(inqueue: QueueName, visit: LetterVisit): Promise<number> {
    this.#mustBeOpen('visitDeadLetters()');
    const round = new DeadLetterRound(this.#taking, inqueue, visit);
    return this.#parts.during(round, () => round.run());
  }

  async deadLetterInqueues(): Promise<readonly QueueName[] | undefined> {
    this.#mustBeOpen('deadLetterInqueues()');
    return this.#management?.isThere ? await this.#management.deadLetterInqueues() : undefined;
  }

  /** RabbitMQ drops nothing of ours: what it cannot take it does not confirm. */
  async losses(): Promise<Subscription> {
    this.#mustBeOpen('losses()');
    return { cancel: async () => {} };
  }

  async #open(signal: AbortSignal | undefined): Promise<void> {
    this.#state = 'opening';
    try {
      await this.#taking.open(signal);
      await this.#sending.open(signal);
      await this.#publisher.start();
      await this.#management?.find(signal);
      if (this.#state === 'opening') this.#state = 'open';
    } catch (error) {
      await this.#taking.suspend();
      if (this.#state === 'opening') this.#state = 'idle';
      throw error;
    }
  }

  async #close(graceMs: number): Promise<void> {
    this.#state = 'closing';
    const untilMs = performance.now() + graceMs;
    this.#ending.abort();
    this.#management?.close();
    await this.#parts.stopAll(graceMs);
    await this.#publisher.close(untilMs - performance.now());
    await Promise.all([this.#taking.close(), this.#sending.close()]);
    this.#state = 'closed';
  }

  /** Starts a part, which `close()` stops. @param stop how its user does @default at once */
  #started(
    part: Part & { start(): Promise<void> },
    queue: QueueName,
    stop?: () => Promise<void>,
  ): Promise<Subscription> {
    return this.#parts.begin(part, () => this.#translated(queue, part.start()), stop);
  }

  async #translated<T>(queue: QueueName, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof MsgfloError) throw error;
      if (this.#taking.closed) throw new NotConnectedError('the call', { cause: error });
      const refusal = refusalOf(error);
      throw refusal ? refusalError(refusal, queue, error) : new RefusedError(`'${queue}': ${messageOf(error)}`);
    }
  }

  /** One for all watches of the name, for as long as the client lives. */
  async #passOnDiscovery(): Promise<void> {
    this.#inbox ??= this.#startInbox().catch((error: unknown) => {
      this.#inbox = undefined;
      throw error;
    });
    await this.#inbox;
  }

  async #startInbox(): Promise<void> {
    const [link, pool, publisher, log] = [this.#taking, this.#pool, this.#publisher, this.#log];
    await this.#started(new DiscoveryInbox({ link, pool, publisher, log }), asQueueName(DISCOVERY));
  }

  #mustBeOpen(call: string): void {
    if (this.#state !== 'open') throw new NotConnectedError(call);
  }
}

function throwMissing(queue: QueueName, error: unknown): never {
  throw error instanceof UnroutedError ? new QueueNotFoundError(queue, { cause: error }) : error;
}
