import { messageOf, UsageError } from '../../errors.js';
import { Backoff, type Logger, timeLimit } from '../../support/index.js';
import { BrokerUnreachableError, type ClientOptions, NotConnectedError, RefusedError } from '../index.js';
import type { LogTarget } from './address.js';
import { type Abilities, type Answer, Connection, ConnectionLostError, type Events } from './connection.js';
import { endpointOf } from './endpoint.js';
import type { ReadDelivery, WireSend } from './message-frames.js';

const HELLO_LIMIT_MS = 10_000;
const MAX_TRIES = 20;

export interface SessionOptions {
  readonly target: LogTarget;
  /** As it may be shown. */
  readonly shown: string;
  readonly client: ClientOptions;
  readonly log: Logger;
  readonly events: Pick<Events, 'onNotice' | 'onTapped'> & {
    onDelivery(connection: Connection, delivery: ReadDelivery): void;
  };
  /** Makes the broker know again what it knew; calls that waited go after it. */
  restore(connection: Connection): Promise<void>;
}

/** The connection that calls wait for while there is none. */
class Next {
  resolve: (connection: Connection) => void = () => undefined;
  reject: (reason: Error) => void = () => undefined;
  readonly promise = new Promise<Connection>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    this.promise.catch(() => undefined);
  }
}

/** A connection that comes back: one at a time, and calls that wait for the next. */
export class Session {
  readonly #options: SessionOptions;
  readonly #life = new AbortController();
  #current: Connection | undefined;
  #next = new Next();
  #wasOpen = false;
  #reconnects = 0;
  #abilities: Abilities | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** True from the first success on. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  get reconnects(): number {
    return this.#reconnects;
  }

  /** What the node said of itself at the first connection. */
  get abilities(): Abilities | undefined {
    return this.#abilities;
  }

  get connection(): Connection | undefined {
    return this.#current;
  }

  /** @throws {BrokerUnreachableError} when `signal` aborts @throws {RefusedError} when the broker does not want us @throws {UsageError} */
  async connect(signal?: AbortSignal): Promise<void> {
    await this.#connect(true, signal);
  }

  async #connect(isFirst: boolean, signal?: AbortSignal): Promise<void> {
    const stop = signal ? AbortSignal.any([signal, this.#life.signal]) : this.#life.signal;
    const backoff = new Backoff(50, 5000);
    const { shown, log } = this.#options;
    let reason: unknown;
    while (!stop.aborted) {
      try {
        await this.#open(stop);
        // What was said to be away.
        if (backoff.tries > 0) log.info(`connected to the broker${isFirst ? '' : ' again'}`);
        return;
      } catch (error) {
        if (isFirst && (error instanceof RefusedError || error instanceof UsageError)) throw error;
        if (!stop.aborted) reason = error;
        if (!stop.aborted && backoff.tries === 0)
          log.warn(`cannot reach the broker ${shown}: ${messageOf(error)}; trying again until it answers`);
        await backoff.wait(stop).catch(() => undefined);
      }
    }
    if (this.#life.signal.aborted) throw new NotConnectedError('connect');
    const why = reason === undefined ? 'there was no time to try' : messageOf(reason);
    throw new BrokerUnreachableError(`the broker ${shown} cannot be reached: ${why}`, { cause: reason });
  }

  /**
   * Sends a request, on the next connection if there is none or this one is lost before the answer.
   * @throws {RefusedError} when that happens time and again: it may be this request that ends the connections
   */
  async call(head: object, ...bodies: readonly Buffer[]): Promise<Answer | undefined> {
    return await this.#insist((connection) => connection.request(head, ...bodies));
  }

  /** As `call`, of a message. Mostly there is a connection and it stays: no async function is begun for that. */
  send(message: WireSend): Promise<unknown> {
    const again = (): Promise<unknown> => this.#insist((connection) => connection.send(message));
    return (
      this.#current?.send(message).catch((error: unknown) => {
        if (error instanceof ConnectionLostError) return again();
        throw error;
      }) ?? again()
    );
  }

  async #insist<T>(ask: (connection: Connection) => Promise<T>): Promise<T> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const connection = this.#current ?? (await this.#next.promise);
      try {
        return await ask(connection);
      } catch (error) {
        if (!(error instanceof ConnectionLostError)) throw error;
      }
    }
    throw new RefusedError(`${MAX_TRIES} connections to the broker ended before it answered`);
  }

  /** In order: the broker gives back what is held, and publishes no last words. */
  async leave(): Promise<void> {
    const connection = this.#current;
    if (connection) {
      const limit = setTimeout(() => connection.destroy(), 1000);
      await connection.request({ op: 'bye' }).catch(() => undefined);
      clearTimeout(limit);
    }
    this.#stop();
    connection?.end();
  }

  /** The connection there is, or the next. @throws {NotConnectedError} when the session ends before */
  async connected(): Promise<Connection> {
    return this.#current ?? this.#next.promise;
  }

  /** As a crash would. */
  drop(): void {
    const connection = this.#current;
    this.#stop();
    connection?.destroy();
  }

  #stop(): void {
    this.#life.abort();
    this.#current = undefined;
    this.#next.reject(new NotConnectedError('the client was closed before the broker answered'));
  }

  async #open(stop: AbortSignal): Promise<void> {
    const { target, client, events, restore } = this.#options;
    const limit = timeLimit(HELLO_LIMIT_MS, stop);
    let opened: Connection | undefined;
    const own: Events = {
      ...events,
      onDelivery: (delivery) => opened && events.onDelivery(opened, delivery),
      onLost: (reason) => this.#lost(opened, reason),
    };
    const connection = await endpointOf(target, limit.signal)
      .then((endpoint) => Connection.open(endpoint, client, own, limit.signal))
      .finally(() => limit.end());
    opened = connection;
    await restore(connection);
    if (stop.aborted || !connection.isOpen) {
      connection.destroy();
      throw new ConnectionLostError('the connection was lost at once');
    }
    this.#current = connection;
    this.#abilities ??= connection.abilities;
    if (this.#wasOpen) this.#reconnects += 1;
    this.#wasOpen = true;
    this.#next.resolve(connection);
  }

  #lost(connection: Connection | undefined, reason: Error): void {
    if (!connection || connection !== this.#current) return;
    this.#current = undefined;
    this.#next = new Next();
    if (this.#life.signal.aborted) return;
    this.#options.log.debug(`lost the broker ${this.#options.shown}: ${reason.message}`);
    // Ends only with the life of the session: no signal, and a refusal is tried again.
    void this.#connect(false).catch(() => undefined);
  }
}
