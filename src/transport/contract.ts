import type { QueueName } from '../names.js';

/** A place messages are taken from (holds them) or put to (fans out, holds nothing). */
export type QueueKind = 'inqueue' | 'outqueue';

/** What is sent. */
export interface Message {
  /** Bytes (`Buffer`) go as they are, anything else as JSON text. */
  readonly data: unknown;
  /** Dropped where `capabilities.headers` is false. `message-id` and `created-at` are added where they are missing. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One attempt to hand over a message. */
export interface Delivery {
  /** Parsed JSON, otherwise the Buffer untouched. */
  readonly data: unknown;
  /** Empty where the transport has none. */
  readonly headers: Readonly<Record<string, string>>;
  /** True when an earlier attempt may have been made. */
  readonly redelivered: boolean;
}

/**
 * What becomes of a delivery. `requeue` gives it back to be handed over again, to anybody. A dead letter is published
 * to the outqueue `dead-<inqueue>` with the reason in its headers, confirmed, and only then is the original acked.
 */
export type Verdict = 'ack' | 'requeue' | DeadLetter;

/** The verdict on what is not tried again. */
export interface DeadLetter {
  /** The reason, in words. */
  readonly deadLetter: string;
  /** Further facts for the headers of the dead letter. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A message that is made from a delivery. */
export interface Output extends Message {
  readonly outqueue: QueueName;
  /** True: unrouted is not delivered; it is held and sent again until a queue takes it. @default false */
  readonly mandatory?: boolean;
  /** For a mandatory output: ends the holding. Without it an output is held for as long as the consumer lives. */
  readonly release?: Release;
}

/** Lets mandatory outputs go that are held because nobody takes them. One object may serve any number of outputs. */
export interface Release {
  /** Aborted for as long as nothing is to be held. Asked anew for each output that nobody takes. */
  readonly signal: AbortSignal;
  /** Called for each output that is let go: its settlement goes on without it. Must not throw. */
  letGo(): void;
}

/**
 * The outputs are confirmed by the broker before the verdict is carried out; if they cannot be (connection lost, client
 * closed), the verdict is not carried out and the delivery comes again.
 */
export interface Settlement {
  readonly verdict: Verdict;
  readonly outputs: readonly Output[];
  /**
   * Called once, when nothing of it is under way any more: with true if the broker has its outputs and its verdict, with
   * false if it was refused, or the delivery comes again. Must not throw.
   */
  settled?(isCarriedOut: boolean): void;
}

/** A handler that throws makes a dead letter with the error's message. */
export type Handler = (delivery: Delivery) => Promise<Settlement>;

export interface QueueOptions {
  /** False: not durable and gone with its last user. @default true */
  readonly persistent?: boolean;
  /** Inqueues: what has waited so long, in ms, becomes a dead letter (`expired`). Needs `capabilities.expiry`. */
  readonly ttlMs?: number;
  /** Inqueues: at most so many messages wait; further ones are not confirmed and their senders wait. Needs `limits`. */
  readonly maxLength?: number;
  /** Inqueues: the same in bytes of payload. Needs `capabilities.limits`. */
  readonly maxBytes?: number;
  /** Inqueues: replicated by the broker, which also counts deliveries. Needs `capabilities.queueArguments`. */
  readonly quorum?: boolean;
  /** Quorum queues: after so many deliveries that came to nothing the broker makes a dead letter (`delivery_limit`). */
  readonly deliveryLimit?: number;
  /** Inqueues: 1 to 255; messages with a higher `priority` header come first. Needs `capabilities.queueArguments`. */
  readonly maxPriority?: number;
  /** Inqueues: what the broker knows besides, by its own names. Needs `capabilities.queueArguments`. */
  readonly arguments?: Readonly<Record<string, string | number | boolean>>;
}

export interface ConsumeOptions {
  /** Most unsettled deliveries at a time, a hard bound. @default 1 */
  readonly prefetch?: number;
}

/** Takes from an inqueue until it is cancelled. */
export interface Consumer {
  /**
   * Only where `capabilities.binds` is false: subscribes the inqueue to exactly these outqueues, besides itself.
   * Resolves when the broker has taken it. @throws {UnsupportedError} where the broker binds.
   */
  listenTo(sources: readonly QueueName[]): Promise<void>;
  /** No delivery starts afterwards; resolves when those in hand are settled. Idempotent. */
  cancel(): Promise<void>;
}

/** Something that is being watched; `cancel` is idempotent. */
export interface Subscription {
  cancel(): Promise<void>;
}

/** What a transport can do. What is false here is refused with UnsupportedError, never ignored. Fixed once connected. */
export interface Capabilities {
  /** The broker itself carries messages from outqueue to inqueue. Otherwise consumers listen, or a router forwards. */
  readonly binds: boolean;
  /** `bindings()` also shows those that somebody else made. */
  readonly foreignBindings: boolean;
  readonly headers: boolean;
  /** Messages and bindings outlive a restart of the broker. */
  readonly persistent: boolean;
  /** `mandatory` is honoured: the broker tells when nobody took a message. */
  readonly reportsUnrouted: boolean;
  /** The broker publishes `lastWords` when a client dies. */
  readonly lastWords: boolean;
  readonly depths: boolean;
  /** `ttlMs` of a queue. */
  readonly expiry: boolean;
  /** `maxLength` and `maxBytes` of a queue. */
  readonly limits: boolean;
  /** `quorum`, `deliveryLimit`, `maxPriority` and `arguments` of a queue. */
  readonly queueArguments: boolean;
  /** `browse()`: what was sent is kept for a while, also when it was taken. */
  readonly replay: boolean;
  /** `flowTo` is honoured: the broker would drop what a slow reader leaves, so senders bound what is unsettled there. */
  readonly credits: boolean;
}

/** A small message to all who watch its name just then; retained: also to who begins to watch later. */
export interface Notice {
  readonly name: string;
  readonly body: Buffer;
  readonly retain?: boolean;
}

/** `retained` tells a kept notice from one sent while watching. */
export type NoticeHandler = (body: Buffer, origin: { readonly retained: boolean }) => void;

export type Status = 'idle' | 'opening' | 'open' | 'reconnecting' | 'closing' | 'closed';

/** What a participant needs. After `close()` every call rejects with NotConnectedError. */
export interface Client {
  readonly capabilities: Capabilities;
  readonly status: Status;
  /** How often the connection was lost and came back; absent where there is none that could be lost. */
  readonly reconnects?: number;
  /**
   * Connects, retrying with back-off until it succeeds; that the broker cannot be reached is logged once. Reconnects by
   * itself afterwards, with queues, bindings, consumers and watches restored and unconfirmed sends repeated.
   * @throws {BrokerUnreachableError} when `signal` aborts before (it names the broker and the last reason).
   */
  connect(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Stops deliveries, waits up to `graceMs` for those in hand, then leaves. Idempotent. @default graceMs 5000 */
  close(options?: { readonly graceMs?: number }): Promise<void>;
  /** Idempotent. @throws {QueueMismatchError} if it exists with other arguments. */
  declare(kind: QueueKind, name: QueueName, options?: QueueOptions): Promise<void>;
  /**
   * Resolves once the broker has taken responsibility for the message. With `mandatory`, and where
   * `capabilities.reportsUnrouted`, @throws {UnroutedError} when no queue took it (it is not held).
   */
  send(kind: QueueKind, name: QueueName, message: Message, options?: { readonly mandatory?: boolean }): Promise<void>;
  /**
   * Only where `capabilities.credits`: from now on sends to the outqueue wait while too much of what was sent to it is
   * unsettled at any of these inqueues, whose consumers tell what they have settled. Replaces what was said before; an
   * empty list ends it. @throws {UnsupportedError} elsewhere
   */
  flowTo(outqueue: QueueName, inqueues: readonly QueueName[]): Promise<void>;
  /**
   * Takes messages from an inqueue; all consumers of one name share it, each message goes to one of them.
   * @throws {QueueNotFoundError} where the broker knows that there is no such queue.
   */
  consume(inqueue: QueueName, handler: Handler, options?: ConsumeOptions): Promise<Consumer>;
  /** Resolves when the broker has it. An empty body clears a retained notice. */
  notify(notice: Notice): Promise<void>;
  watch(name: string, handler: NoticeHandler): Promise<Subscription>;
}

export type BindingKind = 'pubsub' | 'roundrobin';

/** An edge made real in the broker. Dead letters are bound like anything else, from `deadLetterQueue(inqueue)`. */
export interface Binding {
  readonly kind: BindingKind;
  readonly source: QueueName;
  readonly target: QueueName;
}

/** How an inqueue stands at the broker. */
export interface QueueDepth {
  readonly queue: QueueName;
  readonly ready: number;
  readonly consumers: number;
  /** The next three are absent where the broker does not tell. */
  readonly unacked?: number;
  readonly inPerSecond?: number;
  readonly outPerSecond?: number;
  /** What comes next of it cannot be read at the broker, and it stands still: where and why, in words. */
  readonly damage?: string;
}

/** A dead letter as it is kept at the broker until somebody looks. */
export interface KeptLetter {
  /** Names it among those of its inqueue, for as long as it is kept there. */
  readonly key: string;
  /** The original bytes. */
  readonly body: Buffer;
  /** The original ones and those of the dead letter (see `HEADER`). */
  readonly headers: Readonly<Record<string, string>>;
}

/** What becomes of a kept letter that was looked at; `stop` keeps it and ends the round. */
export type LetterFate = 'keep' | 'remove' | 'stop';
export type LetterVisit = (letter: KeptLetter) => Promise<LetterFate>;

/** A message that is kept at the broker, taken or not. */
export interface KeptMessage {
  /** `<ms>-<sequence>`; grows with each message of its queue. */
  readonly id: string;
  /** When the broker took it, in ms since 1970. */
  readonly timestampMs: number;
  /** The bytes that were sent. */
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Bounds are ids, or milliseconds since 1970 that mean all of that millisecond; both included. */
export interface BrowseRange {
  /** @default the oldest that is kept */
  readonly from?: string;
  /** @default the newest there is when it is asked for */
  readonly to?: string;
  /** @default all */
  readonly limit?: number;
}

/** What a coordinator needs besides. */
export interface Broker extends Client {
  /**
   * Idempotent. Never declares the participant's own queues.
   * @throws {QueueNotFoundError} (retryable) while source or target does not exist, where the broker can tell.
   */
  bind(binding: Binding): Promise<void>;
  /** Idempotent. */
  unbind(binding: Binding): Promise<void>;
  /** Those of this transport that it can tell; with `capabilities.foreignBindings` all there are. */
  bindings(): Promise<readonly Binding[]>;
  /**
   * Copies of what is sent to an outqueue from now on, dead letters with their reason among the headers. Nothing is
   * consumed. The slow lose copies: no more than some MiB wait for them. Taken up again on every new connection. To some
   * brokers who looks on is one that takes: what is mandatory is not held then though nobody else is there.
   * @throws {QueueNotFoundError} (retryable) while there is no such outqueue, where the broker can tell
   */
  tap(outqueue: QueueName, handler: (delivery: Delivery) => void): Promise<Subscription>;
  /** One row per queue that exists. @throws {UnsupportedError} unless `capabilities.depths`. */
  depths(queues: readonly QueueName[]): Promise<readonly QueueDepth[]>;
  /**
   * Shows the dead letters that are kept of an inqueue, each once, one after another, oldest first; those that come
   * meanwhile may be left out. A letter is removed only after its `visit` has resolved with `remove`: what it sent is
   * confirmed by then, so that a crash in between leaves the letter there. Kept ones stay in their order. Two rounds over
   * the same inqueue do not see the same letter at the same time, where the broker can tell. Resolves with the number of
   * those visited. A visit that throws keeps its letter and ends the round with that error.
   */
  visitDeadLetters(inqueue: QueueName, visit: LetterVisit): Promise<number>;
  /** The inqueues of which dead letters are kept; undefined, or absent, where the broker does not tell. */
  deadLetterInqueues?(): Promise<readonly QueueName[] | undefined>;
  /**
   * Tells, in words for people, of messages that the broker itself dropped, where it can tell; elsewhere never calls.
   * `messages`: how many were dropped since it was told last, where that is known.
   */
  losses(handler: (text: string, messages?: number) => void): Promise<Subscription>;
  /**
   * Only where `capabilities.replay`: what is kept of what was sent to a queue, oldest first, some at a time. Nothing is
   * taken. @throws {QueueNotFoundError} when there never was such a queue @throws {MsgfloError} the connection was lost
   */
  browse?(queue: QueueName, range?: BrowseRange): AsyncGenerator<readonly KeptMessage[], void, undefined>;
}

/** Who the client is, given when it is made. */
export interface ClientOptions {
  /** Unique per client; shown in the broker's lists where it has them. */
  readonly id: string;
  /**
   * A stable name for one place among the instances of a role ("worker.0"). Where sessions live in the broker (MQTT),
   * the next client with this slot is given what the last one left unsettled. At most one client at a time:
   * who comes later takes it, and the client before is closed. Without a slot, what is unsettled when the client closes
   * goes to other consumers, but what it holds when it is killed is lost there.
   */
  readonly slot?: string;
  /**
   * The slot only while nobody else holds it, otherwise none. It is tried for again when its holder leaves or dies, and
   * given up, without closing, to one who takes it for certain. @default false
   */
  readonly slotIfFree?: boolean;
  /**
   * At `close()` the slot is left for good, and what is unsettled goes to the others of its inqueues. Otherwise it keeps
   * taking its share for whoever holds it next. After a crash it always does. @default false
   */
  readonly givesUpSlot?: boolean;
  /**
   * Where the broker's management interface is (RabbitMQ: `http://host:15672`), to be asked for figures and for bindings
   * of others; `auto`: looked for at the broker's host with the same user. Absent: not asked.
   */
  readonly management?: string;
  /** Published by the broker when the client dies without `close()`, where `capabilities.lastWords`. */
  readonly lastWords?: Notice;
}

/** The outqueue to which dead letters of an inqueue go. */
export const deadLetterQueue = (inqueue: QueueName): QueueName => `dead-${inqueue}` as QueueName;
