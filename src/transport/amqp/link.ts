import { type ChannelModel, connect } from 'amqplib';
import { Backoff, within } from '../../support/index.js';
import { BrokerUnreachableError, NotConnectedError, RefusedError, withoutPassword } from '../index.js';
import type { Alarm } from './alarm.js';
import type { Outage } from './outage.js';
import { readDeliveries } from './read-deliveries.js';
import { connectFailure, isHostRefused, isLoginRefused } from './refusal.js';
import { writeTogether } from './write-together.js';

/** A silent broker is given up after two to three of these. */
const HEARTBEAT_S = 10;
const CONNECT_LIMIT_MS = 10_000;
const CLOSE_LIMIT_MS = 1000;
/** A virtual host may not be up yet just after the broker's start; refused so often, it is taken for missing. */
const HOST_TRIES = 4;

export interface LinkOptions {
  readonly address: URL;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  readonly outage: Outage;
  /** Run on every new connection before anybody else is given it. */
  readonly prepare: (model: ChannelModel) => Promise<void>;
  /** Told whenever there is a connection, the first time too. */
  readonly onUp?: () => void;
  /** For a connection that publishes: told when the broker takes nothing from it. */
  readonly alarm?: Alarm;
}

interface Waiter {
  readonly resolve: (model: ChannelModel) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One connection to the broker that comes back whenever it is lost, until it is closed. It knows nothing of channels:
 * those are made again by their owners, see KeptChannel.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #model: ChannelModel | undefined;
  #opened = 0;
  /** Destroys the socket of the current connection, in whatever state it is. */
  #cut: AbortController | undefined;
  #recovering: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get model(): ChannelModel | undefined {
    return this.#model;
  }

  /** How often it came back. */
  get reconnects(): number {
    return Math.max(0, this.#opened - 1);
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Connects, trying again with back-off; said once.
   * @throws {RefusedError} at once, for credentials. @throws {BrokerUnreachableError} when `signal` aborts before.
   */
  async open(signal?: AbortSignal): Promise<void> {
    if (this.#model) return;
    const stop = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    const backoff = new Backoff(100, 5000);
    let reason = 'gave up before the first try';
    let hostRefusals = 0;
    while (!stop.aborted) {
      try {
        return await this.#connect(stop);
      } catch (error) {
        if (stop.aborted) break;
        hostRefusals = isHostRefused(error) ? hostRefusals + 1 : 0;
        if (isLoginRefused(error))
          throw new RefusedError(`${this.#shown()}: ${connectFailure(error)}`, { cause: error });
        if (hostRefusals === HOST_TRIES) throw this.#noSuchHost(error);
        reason = connectFailure(error);
        this.#options.outage.down(this.#options.name, `cannot reach ${this.#shown()}: ${reason}`);
        await backoff.wait(stop).catch(() => {});
      }
    }
    if (this.closed) throw new NotConnectedError('connect()');
    throw new BrokerUnreachableError(`no connection to ${this.#shown()}: ${reason}`);
  }

  /** The connection, as soon as there is one. @throws {NotConnectedError} when the link is closed meanwhile. */
  async up(): Promise<ChannelModel> {
    if (this.#model) return this.#model;
    if (this.closed) throw new NotConnectedError('the call');
    return new Promise((resolve, reject) => this.#waiters.add({ resolve, reject }));
  }

  /** Leaves without coming back by itself; `open()` may be called again. */
  async suspend(): Promise<void> {
    const model = this.#model;
    this.#model = undefined;
    if (model) await this.#leave(model);
  }

  /** Leaves for good; a broker that does not answer is left by cutting the socket. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const { reject } of this.#waiters) reject(new NotConnectedError('the call'));
    this.#waiters.clear();
    await this.suspend();
    this.#cut?.abort();
    await this.#recovering;
  }

  async #connect(stop: AbortSignal): Promise<void> {
    const cut = new AbortController();
    const abort = (): void => cut.abort();
    stop.addEventListener('abort', abort, { once: true });
    this.#cut = cut;
    let model: ChannelModel;
    try {
      model = await connect(this.#url(), this.#socketOptions(cut.signal));
      writeTogether(model);
      readDeliveries(model);
      let loss: Error | undefined;
      model.on('error', (error: Error) => {
        loss = error;
      });
      this.#tellBlocks(model);
      model.once('close', (error?: Error) => {
        loss ??= error ?? new Error('connection closed');
        this.#lost(model, loss);
      });
      try {
        await this.#options.prepare(model);
        stop.throwIfAborted();
        if (loss) throw loss;
      } catch (error) {
        await this.#leave(model);
        throw error;
      }
      this.#model = model;
      this.#opened += 1;
      this.#options.outage.up(this.#options.name);
    } finally {
      stop.removeEventListener('abort', abort);
    }
    for (const { resolve } of this.#waiters) resolve(model);
    this.#waiters.clear();
    this.#options.onUp?.();
  }

  #tellBlocks(model: ChannelModel): void {
    const { alarm } = this.#options;
    if (!alarm) return;
    model.on('blocked', (reason: string) => alarm.begins(reason));
    model.on('unblocked', () => alarm.ends());
    model.once('close', () => alarm.forget());
  }

  #lost(model: ChannelModel, loss: Error): void {
    if (this.#model !== model) return;
    this.#model = undefined;
    if (this.closed) return;
    this.#options.outage.down(this.#options.name, `lost ${this.#shown()}: ${connectFailure(loss)}`);
    this.#recovering = this.#recover();
  }

  async #recover(): Promise<void> {
    const backoff = new Backoff(50, 5000);
    while (!this.closed) {
      try {
        return await this.#connect(this.#closing.signal);
      } catch (error) {
        this.#options.outage.stillDown(`${this.#shown()}: ${connectFailure(error)}`);
        await backoff.wait(this.#closing.signal).catch(() => {});
      }
    }
  }

  async #leave(model: ChannelModel): Promise<void> {
    await within(
      model.close().catch(() => undefined),
      CLOSE_LIMIT_MS,
    );
    this.#cut?.abort();
  }

  #url(): string {
    const url = new URL(this.#options.address);
    if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(HEARTBEAT_S));
    return url.href;
  }

  /** `signal` is an option of Node's sockets, which amqplib hands on. */
  #socketOptions(signal: AbortSignal): Parameters<typeof connect>[1] & { readonly signal: AbortSignal } {
    const clientProperties = { connection_name: this.#options.name, product: 'msgflo' };
    return { noDelay: true, timeout: CONNECT_LIMIT_MS, clientProperties, signal };
  }

  #noSuchHost(cause: unknown): Error {
    const host = decodeURIComponent(this.#options.address.pathname.slice(1)) || '/';
    const hint = `is there a virtual host '${host}', and may this user use it?`;
    return new RefusedError(`${this.#shown()}: the broker closes the connection after the login: ${hint}`, { cause });
  }

  #shown(): string {
    return withoutPassword(this.#options.address.href);
  }
}
