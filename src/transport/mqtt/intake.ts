import type { Logger } from '../../support/index.js';
import { type Arrival, Arrivals } from './arrivals.js';
import { Link } from './link.js';
import { checkTopic } from './packets.js';
import type { Incoming, Protocol, Publication, Session, SubscribeOptions } from './session.js';

export interface IntakeOptions {
  readonly address: URL;
  readonly clientId: string;
  readonly protocol: Protocol;
  /** 0: nothing is kept for us while we are gone. */
  readonly keptSeconds: number;
  /** Published by the broker when this connection dies. */
  readonly will?: Publication;
  /** Whether reading may pause for a moment just now (see `ReadPace`); absent, it never does. */
  readonly mayPause?: () => boolean;
  /** Takes responsibility: in the end `arrival.settle()` is called, or the message comes again. */
  readonly onArrival: (arrival: Arrival) => void;
  /** Another client came with our client id; this one is out. */
  readonly onTaken: () => void;
  readonly log: Logger;
}

/** Messages that are here and not settled, above which nothing more is read. Prefetch is counted elsewhere. */
const MAX_HELD = 10_000;
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** The connection that deliveries come on, with the subscriptions that it is to have. */
export class Intake {
  readonly #link: Link;
  readonly #options: IntakeOptions;
  readonly #wanted = new Map<string, SubscribeOptions>();
  #arrivals: Arrivals | undefined;
  #session: Session | undefined;
  #held = 0;
  #heldBytes = 0;
  #resume: (() => void) | undefined;
  #emptied: (() => void) | undefined;
  #droppedAtQos0 = 0;
  readonly #release = ({ payload }: Incoming): void => {
    this.#held -= 1;
    this.#heldBytes -= payload.length;
    if (this.#held === 0) this.#emptied?.();
    if (this.#isFull) return;
    this.#resume?.();
    this.#resume = undefined;
  };

  constructor(options: IntakeOptions) {
    this.#options = options;
    const { address, clientId, keptSeconds, will, protocol, mayPause, onTaken, log } = options;
    const onMessage = (session: Session, message: Incoming): Promise<void> | undefined => this.#take(session, message);
    this.#link = new Link({
      name: 'consuming',
      log,
      protocol,
      session: { address, clientId, keptSeconds, onMessage, ...(will && { will }), ...(mayPause && { mayPause }) },
      onOpen: (session) => this.#restore(session),
      onTaken,
    });
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  /** Whether the broker keeps what is left here for the next with our client id. */
  get isKept(): boolean {
    return this.#options.keptSeconds > 0;
  }

  get clientId(): string {
    return this.#options.clientId;
  }

  /** Nothing that came is unsettled. */
  get isEmpty(): boolean {
    return this.#held === 0;
  }

  get canShare(): boolean {
    return this.#link.session?.canShare ?? true;
  }

  get canIdentify(): boolean {
    return this.#link.session?.canIdentify ?? false;
  }

  open(signal?: AbortSignal): Promise<void> {
    return this.#link.open(signal);
  }

  /** Resolves when the broker has taken it; while there is no session, at once (the next one gets it). @throws {RefusedError} @throws {Error} */
  async subscribe(filter: string, options: SubscribeOptions): Promise<void> {
    checkTopic(filter);
    this.#wanted.set(filter, options);
    const session = this.#link.session;
    try {
      await session?.subscribe(filter, options);
    } catch (error) {
      if (!session?.isOpen) return;
      this.#wanted.delete(filter);
      throw error;
    }
  }

  async unsubscribe(filter: string): Promise<void> {
    this.#wanted.delete(filter);
    await this.#link.session?.unsubscribe(filter).catch(() => undefined);
  }

  /** Wants the same as another. To be called before `open()`. */
  wantAs(other: Intake): void {
    for (const [filter, options] of other.#wanted) this.#wanted.set(filter, options);
  }

  /** Takes nothing new, and ends when all that it brought is settled. */
  async retire(): Promise<void> {
    await Promise.all([...this.#wanted.keys()].map((filter) => this.unsubscribe(filter)));
    if (this.#held > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    await this.end();
  }

  end(): Promise<void> {
    this.#resume?.();
    this.#emptied?.();
    return this.#link.end();
  }

  /** Ends as a crash would. */
  kill(): void {
    this.#link.kill();
  }

  async #restore(session: Session): Promise<void> {
    this.#begin(session);
    await Promise.all([...this.#wanted].map(([filter, options]) => session.subscribe(filter, options)));
  }

  /** A session may bring messages before it is known to be open. */
  #begin(session: Session): Arrivals {
    if (this.#arrivals && this.#session === session) return this.#arrivals;
    this.#session = session;
    this.#arrivals = new Arrivals(session, this.#arrivals, this.isKept);
    return this.#arrivals;
  }

  #take(session: Session, message: Incoming): Promise<void> | undefined {
    if (message.qos === 0 && this.#held >= MAX_HELD) return this.#drop(message);
    const arrival = this.#begin(session).add(message);
    if (!arrival) return undefined;
    this.#held += 1;
    this.#heldBytes += message.payload.length;
    arrival.countedBy(this.#release);
    this.#options.onArrival(arrival);
    if (message.qos === 0 || !this.#isFull) return undefined;
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  get #isFull(): boolean {
    return this.#held >= MAX_HELD || this.#heldBytes >= MAX_HELD_BYTES;
  }

  #drop(message: Incoming): undefined {
    this.#droppedAtQos0 += 1;
    const text = `more than ${MAX_HELD} messages wait; what comes at QoS 0 is dropped, first from '${message.topic}'`;
    this.#options.log.warnOnce('qos0', text);
    this.#options.log.debug(`${this.#droppedAtQos0} messages dropped that came at QoS 0`);
    return undefined;
  }
}
