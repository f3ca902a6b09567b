import { randomBytes } from 'node:crypto';
import { messageOf } from '../../errors.js';
import { type Logger, within } from '../../support/index.js';
import { NotConnectedError, type Subscription } from '../index.js';
import { Link } from './link.js';
import { type Fate, Outbox } from './outbox.js';
import type { Incoming, Protocol, Publication } from './session.js';
import { Subscriptions } from './subscriptions.js';

export interface OutletOptions {
  readonly address: URL;
  readonly id: string;
  /** Published by the broker when this connection dies. */
  readonly will?: Publication;
  readonly log: Logger;
}

/**
 * The clean connection: everything is published on it, and notices, taps and routes are watched on it. It is apart from
 * the one that takes deliveries, which may not be read for a while.
 */
export class Outlet {
  readonly #outbox = new Outbox();
  readonly #subscriptions = new Subscriptions();
  readonly #link: Link;
  readonly #log: Logger;
  readonly #restoring: (() => void)[] = [];
  #wasOpen = false;

  constructor({ address, id, will, log }: OutletOptions) {
    this.#log = log;
    const clientId = `${id}-${randomBytes(4).toString('hex')}`;
    this.#link = new Link({
      name: 'publishing',
      log,
      session: {
        address,
        clientId,
        keptSeconds: 0,
        mayPause: () => this.#outbox.isAtEase,
        ...(will ? { will } : {}),
        onMessage: (session, message) => {
          session.ack(message);
          this.#dispatch(message);
          return undefined;
        },
      },
      onOpen: async (session) => {
        if (this.#wasOpen) for (const listener of this.#restoring) listener();
        await this.#subscriptions.attach(session);
        this.#outbox.attach(session);
        this.#wasOpen = true;
      },
      onLost: () => {
        this.#subscriptions.detach();
        this.#outbox.detach();
      },
    });
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  get reconnects(): number {
    return this.#link.reconnects;
  }

  get protocol(): Protocol {
    return this.#link.protocol;
  }

  /** @throws {BrokerUnreachableError} @throws {RefusedError} */
  open(signal?: AbortSignal): Promise<void> {
    return this.#link.open(signal);
  }

  /** Resolves with the PUBACK's reason: 0, or 16 when nobody is subscribed. @throws {RefusedError} */
  async publish(publication: Publication): Promise<number> {
    let given = 0;
    const taken = (reason: number): void => {
      given = reason;
    };
    await this.#outbox.send(publication, { taken, lost: () => undefined });
    return given;
  }

  /** The same where `fate` looks at the reason; it costs a promise less. @throws {RefusedError} @throws what `fate.taken` throws */
  post(publication: Publication, fate: Fate): Promise<void> {
    return this.#outbox.send(publication, fate);
  }

  subscribe(filter: string, qos: 0 | 1, listener: (message: Incoming) => void): Promise<Subscription> {
    return this.#subscriptions.add(filter, qos, listener);
  }

  /** `listener` is called on each connection but the first, before what is kept comes again. */
  onRestoring(listener: () => void): void {
    this.#restoring.push(listener);
  }

  /** Waits up to `graceMs` for the confirmations that are due, then leaves with a good-bye. */
  async close(graceMs: number): Promise<void> {
    if (this.#link.isOpen) await within(this.#outbox.drained(), graceMs);
    const closed = new NotConnectedError('closed');
    this.#outbox.close(closed);
    this.#subscriptions.close(closed);
    await this.#link.end();
  }

  /** Ends as a crash would. */
  kill(): void {
    this.#link.kill();
  }

  #dispatch(message: Incoming): void {
    try {
      this.#subscriptions.dispatch(message);
    } catch (error) {
      this.#log.warn(`a handler of '${message.topic}' threw: ${messageOf(error)}`);
    }
  }
}
