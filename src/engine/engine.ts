import type { QueueName } from '../names.js';

export type EngineQueueKind = 'inqueue' | 'outqueue';
export type EngineBindingKind = 'pubsub' | 'roundrobin';
/** The text of a JSON object of texts, or nothing; the engine does not look into it. */
export type EngineHeaders = Buffer;

/**
 * Bytes and headers; the engine looks into neither. Given to the engine they must not change until it has answered; given by
 * it they may be views on much more: copy what is kept.
 */
export interface EngineMessage {
  readonly body: Buffer;
  readonly headers: EngineHeaders;
}

export interface EngineDelivery extends EngineMessage {
  /** Names the delivery to `settle`; unique within its consumer. */
  readonly tag: number;
  readonly redelivered: boolean;
  /** In an inqueue that is subscribed by filters: the queue that the message came to. */
  readonly source?: QueueName;
}

export interface EngineOutput extends EngineMessage {
  readonly kind: EngineQueueKind;
  readonly name: QueueName;
  /** Nothing at all is carried out while nobody takes it. @default false: dropped and counted */
  readonly mandatory?: boolean;
}

export interface EngineSettlement {
  /** A dead letter goes to the outqueue `dead-<inqueue>` and is kept there (see `Engine`). */
  readonly verdict: 'ack' | 'requeue' | { readonly deadLetter: EngineMessage };
  readonly outputs: readonly EngineOutput[];
  /** True: while a mandatory output has no taker, wait for one instead of coming to `unrouted`. @default false */
  readonly hold?: boolean;
}

/**
 * What became of a submission. `gone`: the delivery is not held any more (settled, or given back), or the session ended.
 * `refused`: no log takes it, too large for example; a delivery is still held, and may be settled otherwise.
 */
export type Outcome =
  | { readonly state: 'done' | 'gone' }
  | { readonly state: 'unrouted'; readonly queue: QueueName }
  | { readonly state: 'refused'; readonly text: string };

/** Something handed in that may have to wait: for room in a full inqueue, or for somebody to take it. */
export interface Submission {
  readonly waitsFor: 'nothing' | 'room' | 'route';
  /** Withdraws it, if it still waits; its callback is then never called. */
  cancel(): void;
}

export interface EngineNotice {
  readonly name: string;
  /** Empty and `retain`: clears what is kept under the name. */
  readonly body: Buffer;
  readonly retain: boolean;
}

export interface EngineBinding {
  readonly kind: EngineBindingKind;
  readonly source: QueueName;
  readonly target: QueueName;
}

export interface EngineDepth {
  readonly queue: QueueName;
  readonly ready: number;
  /** In the hands of consumers, or of who looks at dead letters. */
  readonly unacked: number;
  readonly consumers: number;
  /** Submissions that wait until there is room; absent where none does. */
  readonly waiting?: number;
  /** Taken in, and settled for good, since the last time of asking, over a second at least; absent at the first. */
  readonly inPerSecond?: number;
  readonly outPerSecond?: number;
  /** What comes next of it is damaged, in words: the file and the byte. Nobody is given more. Known once somebody takes from it. */
  readonly damage?: string;
}

/** The last three are for inqueues. */
export interface EngineQueueOptions {
  readonly persistent: boolean;
  /** What is ready for so long, in ms since it came, becomes a dead letter; also when it was in hand meanwhile. */
  readonly ttlMs?: number;
  /** Below what the engine allows by itself. */
  readonly maxLength?: number;
  readonly maxBytes?: number;
}

/** Bounds are ids, or milliseconds since 1970 that mean all of that millisecond; both included. */
export interface EngineRange {
  /** @default the oldest that is kept */
  readonly from?: string;
  /** @default the newest there is when it is asked for */
  readonly to?: string;
  /** @default all */
  readonly limit?: number;
}

/** A message as it was sent, where the engine keeps it. */
export interface EngineRecord extends EngineMessage {
  /** `<ms>-<sequence>`; grows with each message of its queue. */
  readonly id: string;
  /** When it was taken in, in ms since 1970. */
  readonly timestampMs: number;
}

/** A dead letter as it is shown. */
export interface EngineLetter extends EngineMessage {
  /** Names it among those of its inqueue. */
  readonly key: string;
}

/** Shows the dead letters that are kept of one inqueue, oldest first, to nobody else while it shows them. */
export interface EngineRound {
  /** Keeps the one shown before if it is not settled. Undefined at the end; what came meanwhile is left out. */
  next(): Promise<EngineLetter | undefined>;
  /** What becomes of the one shown last; who keeps it keeps it in its place. Resolves when it is as safe as a message. */
  settle(fate: 'keep' | 'remove'): Promise<void>;
  /** Keeps the one shown if it is not settled. Idempotent. */
  end(): void;
}

/** Messages that went nowhere since the engine was made. */
export interface EngineCounters {
  /** Sent without `mandatory` while nobody was bound. */
  readonly unrouted: number;
  /** Dead letters pushed out of a full `dead-` queue by newer ones. */
  readonly deadDropped: number;
}

/** One consumer of one inqueue. */
export interface EngineConsumer {
  /**
   * Carries out outputs and verdict in one step, or, while a target is full, later in one step. `done` is called once,
   * perhaps before this returns.
   */
  settle(tag: number, settlement: EngineSettlement, done: (outcome: Outcome) => void): Submission;
  /** No delivery starts afterwards; what it holds stays its own. */
  pause(): void;
  /** Ends it: what it holds goes back to where it stood in the queue, marked as redelivered. Idempotent. */
  end(): void;
}

/** Stops watching or tapping. Idempotent. */
export type Stop = () => void;

/** All that one client owns; what it holds is given back when it ends. */
export interface EngineSession {
  /** Idempotent. @throws {EngineRefusedError} `mismatch` if it exists with other options. */
  declare(kind: EngineQueueKind, name: QueueName, options: EngineQueueOptions): Promise<void>;
  /** `done` is called once, perhaps before this returns. Never waits for a route. */
  send(output: EngineOutput, done: (outcome: Outcome) => void): Submission;
  /**
   * Hands messages to `deliver`, at most `prefetch` unsettled at a time. `deliver` is called while the engine works and
   * must do no more than note the delivery down. @throws {EngineRefusedError} `not-found`
   */
  consume(inqueue: QueueName, prefetch: number, deliver: (delivery: EngineDelivery) => void): EngineConsumer;
  /** Copies of what is sent to an outqueue from now on, whether it exists yet or not. */
  tap(outqueue: QueueName, handler: (message: EngineMessage) => void): Stop;
  /** The retained notice, if there is one, before this returns; then every one that is sent. */
  watch(name: string, handler: (body: Buffer, retained: boolean) => void): Stop;
  /** A round over the dead letters of an inqueue; ends with the session. */
  visit(inqueue: QueueName): EngineRound;
  /** What is still kept of what was ever sent to a queue, taken or not, oldest first, some at a time. */
  browse(queue: QueueName, range?: EngineRange): AsyncGenerator<readonly EngineRecord[], void, undefined>;
  /** `left`: in order. `died`: its last words are published. Idempotent. */
  end(how: 'left' | 'died'): void;
}

/** Who opens a session. */
export interface EngineClient {
  readonly id: string;
  readonly lastWords?: EngineNotice;
}

/**
 * Queues, bindings and notices of one broker. What must outlive a crash has been written when its promise resolves or its
 * callback is called; all else has happened when the call returns.
 *
 * - An inqueue holds messages, each for one of its consumers in turn; an outqueue copies to what is bound to it, and to
 *   the inqueue of its own name. Both kinds of binding deliver alike.
 * - Order is kept: what was held and is given back stands where it stood before.
 * - A full inqueue makes who sends to it wait, in order of coming. What is carried out in one step waits until there is
 *   room for all of it, or nothing is there.
 * - Every inqueue has an outqueue `dead-<inqueue>` with an inqueue of the same name that keeps the newest dead letters.
 * - A queue declared not persistent goes when the last session has ended that declared it or consumes from it.
 */
export interface Engine {
  open(client: EngineClient): EngineSession;
  /** Idempotent. @throws {EngineRefusedError} `not-found` while source or target does not exist */
  bind(binding: EngineBinding): Promise<void>;
  /** Idempotent. */
  unbind(binding: EngineBinding): Promise<void>;
  bindings(): readonly EngineBinding[];
  /**
   * From now on the inqueue gets a copy of everything that comes to a queue whose name one of these filters matches,
   * directly or by a binding: words between `/`, `+` for any one word, `#` at the end for all the rest. Replaces what was
   * said before; none ends it. Survives a restart as bindings do, and goes with its inqueue.
   * @throws {EngineRefusedError} `not-found` while the inqueue does not exist
   */
  subscribe(inqueue: QueueName, filters: readonly string[]): Promise<void>;
  /** One row per inqueue that exists. */
  depths(queues: readonly QueueName[]): readonly EngineDepth[];
  /** The inqueues of which dead letters are kept. */
  deadLetterInqueues(): readonly QueueName[];
  /** Resolves when a retained one is kept. */
  notify(notice: EngineNotice): Promise<void>;
  /** While more is being written than is good: resolves when it is a good time to take more from clients. */
  readonly congestion: Promise<void> | undefined;
  readonly counters: EngineCounters;
}
