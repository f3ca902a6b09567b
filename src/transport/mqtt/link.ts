import { messageOf } from '../../errors.js';
import { Backoff, type Logger } from '../../support/index.js';
import { BrokerUnreachableError, RefusedError, withoutPassword } from '../index.js';
import { type EndReason, type Protocol, Session, type SessionOptions, SessionRefused } from './session.js';

export interface LinkOptions {
  /** For the log: "publishing". */
  readonly name: string;
  readonly session: Omit<SessionOptions, 'protocol' | 'onEnd'>;
  /** Fixed, or found out by the first connection: 5, or 4 where the broker refuses 5. */
  readonly protocol?: Protocol;
  /** Makes a new session as the last one was. If it throws, the session is cut and another made. */
  readonly onOpen: (session: Session) => Promise<void>;
  readonly onLost?: (session: Session) => void;
  /** Another client took our client id; the link does not come back. */
  readonly onTaken?: () => void;
  readonly log: Logger;
}

const MIN_WAIT_MS = 50;
const MAX_WAIT_MS = 5000;
/** A session that ends before it is this old does not reset the back-off: two clients may be fighting for one id. */
const SETTLED_MS = 2000;

/** One connection to the broker that comes back by itself, a new session each time. */
export class Link {
  readonly #options: LinkOptions;
  readonly #backoff = new Backoff(MIN_WAIT_MS, MAX_WAIT_MS);
  readonly #ended = new AbortController();
  #protocol: Protocol | undefined;
  #session: Session | undefined;
  #reconnecting: Promise<void> = Promise.resolve();
  #openedAtMs = 0;
  #isOpen = false;
  #isTrouble = false;
  #opened = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#protocol = options.protocol;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** How often it came back. */
  get reconnects(): number {
    return Math.max(0, this.#opened - 1);
  }

  /** Of the session that is open now. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Until the first connection this is a guess. */
  get protocol(): Protocol {
    return this.#protocol ?? 5;
  }

  /**
   * The first connection, tried until it succeeds.
   * @throws {BrokerUnreachableError} when `signal` aborts before. @throws {RefusedError} when the broker says no.
   */
  async open(signal?: AbortSignal): Promise<void> {
    const stop = signal ? AbortSignal.any([signal, this.#ended.signal]) : this.#ended.signal;
    await this.#connect(stop, true);
  }

  /** Leaves for good, with a good-bye; the will is not published. */
  async end(): Promise<void> {
    this.#ended.abort();
    this.#isOpen = false;
    await this.#session?.end();
    await this.#reconnecting;
  }

  /** Ends as a crash would: no good-bye, and no new session. */
  kill(): void {
    this.#ended.abort();
    this.#isOpen = false;
    this.#session?.cut();
  }

  async #connect(signal: AbortSignal, isFirst: boolean): Promise<void> {
    let reason = 'not tried';
    const address = withoutPassword(this.#options.session.address.href);
    for (;;) {
      if (signal.aborted) throw new BrokerUnreachableError(`the broker ${address} could not be reached: ${reason}`);
      try {
        return await this.#once(signal);
      } catch (error) {
        reason = messageOf(error);
        const isRefused = error instanceof SessionRefused && error.kind === 'refused';
        if (isRefused && isFirst) throw new RefusedError(`the broker ${address} refused: ${reason}`, { cause: error });
        const text = `the broker ${address} cannot be reached (${reason}), trying again`;
        if (!signal.aborted) this.#say(text);
      }
      await this.#backoff.wait(signal).catch(() => undefined);
    }
  }

  /** Once for each time the connection is gone; then it is said that it is back. */
  #say(text: string): void {
    const { log } = this.#options;
    if (this.#backoff.tries === 0) {
      this.#isTrouble = true;
      log.warn(text);
    } else log.debug(text);
  }

  async #once(signal: AbortSignal): Promise<void> {
    const session = await this.#openSession();
    this.#session = session;
    try {
      signal.throwIfAborted();
      await this.#options.onOpen(session);
      if (!session.isOpen) throw new Error('the connection was closed at once');
    } catch (error) {
      this.#session = undefined;
      await session.end();
      throw error;
    }
    this.#openedAtMs = performance.now();
    this.#opened += 1;
    this.#isOpen = true;
    if (this.#isTrouble && this.#opened > 1) this.#options.log.info(`the ${this.#options.name} connection is back`);
    this.#isTrouble = false;
  }

  async #openSession(): Promise<Session> {
    if (this.#protocol) return this.#try(this.#protocol);
    try {
      const session = await this.#try(5);
      this.#protocol = 5;
      return session;
    } catch (error) {
      if (!(error instanceof SessionRefused) || !['protocol', 'closed'].includes(error.kind)) throw error;
      const session = await this.#try(4);
      if (error.kind === 'protocol') {
        this.#protocol = 4;
        return session;
      }
      return this.#doubt(session);
    }
  }

  /** Cut off at 5 and taken at 4: it may just have been starting, so ask for 5 once more. */
  async #doubt(session: Session): Promise<Session> {
    const newer = await this.#try(5).catch(() => undefined);
    this.#protocol = newer ? 5 : 4;
    if (!newer) return session.isOpen ? session : this.#try(4);
    await session.end();
    return newer;
  }

  #try(protocol: Protocol): Promise<Session> {
    return Session.open({
      ...this.#options.session,
      protocol,
      onEnd: (session, reason) => this.#lost(session, reason),
    });
  }

  #lost(session: Session, reason: EndReason): void {
    if (session !== this.#session) return;
    const wasOpen = this.#isOpen;
    this.#session = undefined;
    this.#isOpen = false;
    this.#options.onLost?.(session);
    if (this.#ended.signal.aborted) return;
    if (reason.takenOver) {
      this.#ended.abort();
      this.#options.onTaken?.();
      return;
    }
    if (!wasOpen) return; // whoever opens it goes on trying
    if (performance.now() - this.#openedAtMs > SETTLED_MS) this.#backoff.reset();
    this.#say(`lost the ${this.#options.name} connection (${reason.text}), reconnecting`);
    this.#reconnecting = this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    await this.#backoff.wait(this.#ended.signal).catch(() => undefined);
    await this.#connect(this.#ended.signal, false).catch((error) => this.#options.log.debug(messageOf(error)));
  }
}
