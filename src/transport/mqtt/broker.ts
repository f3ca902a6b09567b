import { UnsupportedError } from '../../errors.js';
import { asQueueName, type QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import {
  type Binding,
  type Broker,
  type Capabilities,
  type ClientOptions,
  type ConsumeOptions,
  type Consumer,
  checkQueueOptions,
  type Delivery,
  deadLetterQueue,
  type Handler,
  HEADER,
  type LetterVisit,
  type Message,
  NotConnectedError,
  type Notice,
  type NoticeHandler,
  type QueueDepth,
  type QueueKind,
  type QueueOptions,
  type Status,
  type Subscription,
  withoutPassword,
} from '../index.js';
import { deliveryOf } from './attempt.js';
import { Consuming } from './consuming.js';
import { DeadLetterVisits } from './dead-letter-visits.js';
import { Flows } from './flows.js';
import type { Inqueues } from './inqueues.js';
import { followLosses } from './losses.js';
import { Outlet } from './outlet.js';
import { Routes } from './routes.js';
import { RoutingBoard } from './routing-board.js';
import { Sender } from './sender.js';
import type { Publication } from './session.js';
import { topicOf } from './topics.js';

const GRACE_MS = 5000;

/** A client of an MQTT broker, protocol 5 or 3.1.1: one connection to publish and look on, one more to consume. */
export class MqttBroker implements Broker {
  readonly #options: ClientOptions;
  readonly #log: Logger;
  readonly #outlet: Outlet;
  readonly #flows: Flows;
  readonly #sender: Sender;
  readonly #routes: Routes;
  readonly #consuming: Consuming;
  readonly #ttls = new Map<QueueName, number>();
  readonly #leaving = new AbortController();
  readonly #visits: DeadLetterVisits;
  #state: 'idle' | 'opening' | 'open' | 'closing' | 'closed' = 'idle';
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #inqueues: Promise<Inqueues> | undefined;

  constructor(address: URL, options: ClientOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    const will = options.lastWords ? publicationOf(options.lastWords) : undefined;
    this.#outlet = new Outlet({ address, id: options.id, log, ...(will ? { will } : {}) });
    this.#flows = new Flows(this.#outlet, log);
    this.#sender = new Sender(this.#outlet, this.#flows, log);
    const { id } = options;
    this.#visits = new DeadLetterVisits({ address, id, outlet: this.#outlet, signal: this.#leaving.signal, log });
    this.#routes = new Routes(new RoutingBoard(this.#outlet), withoutPassword(address.href), log);
    this.#consuming = new Consuming({
      address,
      id: options.id,
      slot: options.slot,
      slotIfFree: options.slotIfFree ?? false,
      givesUpSlot: options.givesUpSlot ?? false,
      outlet: this.#outlet,
      sender: this.#sender,
      onTaken: () => this.#taken(),
      ttls: this.#ttls,
      log,
    });
  }

  get capabilities(): Capabilities {
    const isNew = this.#outlet.protocol === 5;
    return {
      binds: false,
      foreignBindings: false,
      headers: isNew,
      persistent: true,
      reportsUnrouted: isNew,
      lastWords: true,
      depths: false,
      expiry: isNew,
      limits: false,
      queueArguments: false,
      replay: false,
      credits: isNew,
    };
  }

  get status(): Status {
    if (this.#state !== 'open') return this.#state;
    return this.#outlet.isOpen && this.#consuming.isOpen ? 'open' : 'reconnecting';
  }

  get reconnects(): number {
    return this.#outlet.reconnects;
  }

  connect({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#closing) return Promise.reject(new NotConnectedError('connect'));
    this.#opening ??= this.#connect(signal);
    return this.#opening;
  }

  close({ graceMs = GRACE_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  /** A topic needs no declaring. Who takes from an inqueue sees to it that nothing is handed over that waited too long. */
  async declare(kind: QueueKind, name: QueueName, options: QueueOptions = {}): Promise<void> {
    this.#mustBeOpen('declare');
    checkQueueOptions(kind, name, options, this.capabilities);
    if (kind === 'outqueue') return;
    if (options.ttlMs === undefined) this.#ttls.delete(name);
    else this.#ttls.set(name, options.ttlMs);
  }

  send(
    _kind: QueueKind,
    name: QueueName,
    message: Message,
    { mandatory = false }: { readonly mandatory?: boolean } = {},
  ): Promise<void> {
    try {
      this.#mustBeOpen('send');
    } catch (error) {
      return Promise.reject(error);
    }
    const inqueue = message.headers?.[HEADER.deadQueue];
    const isLetter = inqueue !== undefined && name === deadLetterQueue(asQueueName(inqueue));
    if (isLetter && this.#outlet.protocol === 5) return this.#sender.sendLetter(asQueueName(inqueue), message);
    return this.#sender.send(name, message, mandatory);
  }

  async consume(inqueue: QueueName, handler: Handler, options?: ConsumeOptions): Promise<Consumer> {
    this.#mustBeOpen('consume');
    const inqueues = await this.#consumingSide();
    return inqueues.consume(inqueue, handler, options);
  }

  async notify(notice: Notice): Promise<void> {
    this.#mustBeOpen('notify');
    await this.#outlet.publish(publicationOf(notice));
  }

  async watch(name: string, handler: NoticeHandler): Promise<Subscription> {
    this.#mustBeOpen('watch');
    return this.#outlet.subscribe(topicOf(name), 1, ({ payload, retain }) => handler(payload, { retained: retain }));
  }

  async bind(binding: Binding): Promise<void> {
    this.#mustBeOpen('bind');
    await this.#routes.bind(binding);
  }

  async unbind(binding: Binding): Promise<void> {
    this.#mustBeOpen('unbind');
    await this.#routes.unbind(binding);
  }

  async bindings(): Promise<readonly Binding[]> {
    this.#mustBeOpen('bindings');
    return this.#routes.list();
  }

  /** At QoS 0, so that the broker itself drops what we are too slow for. What a device keeps there was sent before. */
  async tap(outqueue: QueueName, handler: (delivery: Delivery) => void): Promise<Subscription> {
    this.#mustBeOpen('tap');
    return this.#outlet.subscribe(topicOf(outqueue), 0, (message) => {
      if (!message.retain) handler(deliveryOf(message));
    });
  }

  async depths(_queues: readonly QueueName[]): Promise<readonly QueueDepth[]> {
    throw new UnsupportedError('an MQTT broker does not tell how many messages wait');
  }

  async flowTo(outqueue: QueueName, inqueues: readonly QueueName[]): Promise<void> {
    this.#mustBeOpen('flowTo');
    if (!this.capabilities.credits)
      throw new UnsupportedError('flowTo(): on MQTT 3.1.1 messages cannot be told from each other');
    await this.#flows.flowTo(outqueue, inqueues);
  }

  /** @throws {DeadLettersBusyError} (retryable) while another round over the same inqueue is going on */
  async visitDeadLetters(inqueue: QueueName, visit: LetterVisit): Promise<number> {
    this.#mustBeOpen('visitDeadLetters');
    return this.#visits.run(inqueue, visit);
  }

  /** Of many letters perhaps not all: a broker sends some 1,000 of what it keeps. */
  async deadLetterInqueues(): Promise<readonly QueueName[]> {
    this.#mustBeOpen('deadLetterInqueues');
    return await this.#visits.inqueues();
  }

  async losses(handler: (text: string, messages?: number) => void): Promise<Subscription> {
    this.#mustBeOpen('losses');
    return followLosses(this.#outlet, handler);
  }

  /** Ends as a crash of the process would: the broker hears no good-bye. What is in hand is abandoned. */
  kill(): void {
    this.#state = 'closed';
    this.#leave();
    this.#outlet.kill();
    this.#consuming.kill();
  }

  #mustBeOpen(call: string): void {
    if (this.#state !== 'open') throw new NotConnectedError(call);
  }

  async #connect(signal: AbortSignal | undefined): Promise<void> {
    this.#state = 'opening';
    try {
      await this.#outlet.open(signal);
      if (this.#state === 'opening') this.#state = 'open';
    } catch (error) {
      this.#opening = undefined;
      if (this.#state === 'opening') this.#state = 'idle';
      throw this.#closing ? new NotConnectedError('connect', { cause: error }) : error;
    }
  }

  /** The second connection is made when it is first needed: a session may bring messages at once. */
  #consumingSide(): Promise<Inqueues> {
    this.#inqueues ??= this.#consuming.open().catch((error) => {
      this.#inqueues = undefined;
      throw error;
    });
    return this.#inqueues;
  }

  /** What waits for others is not waited for any longer. */
  #leave(): void {
    this.#leaving.abort(new NotConnectedError('closed'));
    this.#flows.end(new NotConnectedError('send'));
  }

  #taken(): void {
    if (this.#state !== 'open') return;
    this.#log.warn(`another client took the slot '${this.#options.slot}'; this one is closed`);
    this.close({ graceMs: 0 }).catch((error) => this.#log.debug(String(error)));
  }

  async #close(graceMs: number): Promise<void> {
    const startedMs = performance.now();
    const wasIdle = this.#state === 'idle';
    this.#state = 'closing';
    this.#leave();
    await this.#consuming.close(graceMs);
    await this.#inqueues?.catch(() => undefined);
    if (!wasIdle) await this.#outlet.close(Math.max(0, graceMs - (performance.now() - startedMs)));
    this.#state = 'closed';
  }
}

function publicationOf({ name, body, retain = false }: Notice): Publication {
  return { topic: topicOf(name), payload: body, retain };
}
