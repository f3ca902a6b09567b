import type { QueueName } from '../names.js';
import type { EarliestTimer } from './earliest-timer.js';
import type { EngineDelivery, EngineDepth, EngineMessage } from './engine.js';
import { type Entry, MessageList, type QueueLimit } from './message-list.js';
import type { Pending } from './pending.js';
import { Throughput } from './throughput.js';

/** Deliveries that one consumer holds. */
export class Window {
  readonly held = new Map<number, Entry>();
  /** Deliveries whose settlement waits; they cannot be settled a second time. */
  readonly settling = new Map<number, Pending>();
  readonly #prefetch: number;
  readonly #deliver: (delivery: EngineDelivery) => void;
  #tags = 0;

  constructor(prefetch: number, deliver: (delivery: EngineDelivery) => void) {
    this.#prefetch = prefetch;
    this.#deliver = deliver;
  }

  get hasRoom(): boolean {
    return this.held.size < this.#prefetch;
  }

  hand(entry: Entry): void {
    this.#tags += 1;
    this.held.set(this.#tags, entry);
    const { body, headers } = entry.message;
    this.#deliver({ tag: this.#tags, body, headers, redelivered: entry.redelivered });
  }
}

export interface InqueueOptions {
  readonly limit: QueueLimit;
  readonly ttlMs?: number | undefined;
}

/** One inqueue: what is ready, who takes it, and who waits for room. */
export class Inqueue {
  readonly name: QueueName;
  readonly list: MessageList;
  readonly ttlMs: number | undefined;
  readonly throughput = new Throughput();
  /** For the first that will have waited too long. */
  expiry: EarliestTimer | undefined;
  /** Submissions that wait for room, in order of coming. */
  readonly waiting = new Set<Pending>();
  #taking: Window[] = [];
  /** Every window that may still hold something, also paused ones. */
  readonly #windows = new Set<Window>();
  #turn = 0;

  constructor(name: QueueName, { limit, ttlMs }: InqueueOptions) {
    this.name = name;
    this.list = new MessageList(limit);
    this.ttlMs = ttlMs;
  }

  /** False while who sends this has to wait. */
  hasRoomFor({ outputs, bytes }: Pending['batch']): boolean {
    return this.list.limit.beyond === 'drop-oldest' || this.list.hasRoom(outputs.length, bytes);
  }

  /** Adds at the end. Returns how many were dropped to make room. */
  push(message: EngineMessage, nowMs: () => number): number {
    this.throughput.in += 1;
    return this.list.push(message, this.ttlMs === undefined ? Number.POSITIVE_INFINITY : nowMs() + this.ttlMs);
  }

  /** Forgets what was set aside. */
  drop(entry: Entry): void {
    this.list.drop(entry);
    this.throughput.out += 1;
  }

  join(window: Window): void {
    this.#taking.push(window);
    this.#windows.add(window);
  }

  pause(window: Window): void {
    this.#taking = this.#taking.filter((other) => other !== window);
  }

  /** Takes the window away and puts what it holds back in place. */
  leave(window: Window): void {
    this.pause(window);
    this.#windows.delete(window);
    for (const entry of window.held.values()) this.list.giveBack(entry);
    window.held.clear();
  }

  /** Hands out what is ready, to each consumer in turn, for as long as one has room. */
  dispatch(): void {
    while (this.list.length > 0) {
      const window = this.#nextWithRoom();
      const entry = window && this.list.take();
      if (!entry) return;
      window.hand(entry);
    }
  }

  depth(): EngineDepth {
    let unacked = this.list.asideCount;
    for (const window of this.#windows) unacked += window.held.size;
    return { queue: this.name, ready: this.list.length, unacked, consumers: this.#taking.length };
  }

  #nextWithRoom(): Window | undefined {
    for (let tried = 0; tried < this.#taking.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#taking.length;
      const window = this.#taking[this.#turn];
      if (window?.hasRoom) return window;
    }
    return undefined;
  }
}
