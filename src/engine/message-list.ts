import type { EngineMessage } from './engine.js';

/** A message with its place in the order of one inqueue. */
export interface Entry {
  readonly message: EngineMessage;
  readonly place: number;
  /** On the engine's clock. */
  readonly expiresMs: number;
  redelivered: boolean;
}

/** How much an inqueue holds ready, and what happens beyond: `wait` holds senders back, `drop-oldest` makes room. */
export interface QueueLimit {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly beyond: 'wait' | 'drop-oldest';
}

const SLACK = 1024;

/** The ready messages of one inqueue: first in, first out; what is given back stands where it stood before. */
export class MessageList {
  readonly limit: QueueLimit;
  #fresh: Entry[] = [];
  /** Index of the first of `#fresh` that is still here; the array is cut now and then, so that taking stays O(1). */
  #head = 0;
  /** Given back, by place. All of them stood before the first of `#fresh`. */
  readonly #returned: Entry[] = [];
  /** Neither ready nor in the hand of a consumer; they count towards the limit. */
  readonly #aside = new Set<Entry>();
  #places = 0;
  #bytes = 0;

  constructor(limit: QueueLimit) {
    this.limit = limit;
  }

  get length(): number {
    return this.#returned.length + this.#fresh.length - this.#head;
  }

  get asideCount(): number {
    return this.#aside.size;
  }

  /** The place that the next message will have. */
  get nextPlace(): number {
    return this.#places;
  }

  get first(): Entry | undefined {
    return this.#returned[0] ?? this.#fresh[this.#head];
  }

  /** True also for what is more than the limit, when nothing is there. */
  hasRoom(messages: number, bytes: number): boolean {
    const { maxMessages, maxBytes } = this.limit;
    const here = this.length + this.#aside.size;
    return here === 0 || (here + messages <= maxMessages && this.#bytes + bytes <= maxBytes);
  }

  /** Adds at the end. Returns how many were dropped to make room. */
  push(message: EngineMessage, expiresMs: number): number {
    let dropped = 0;
    if (this.limit.beyond === 'drop-oldest') {
      while (this.length > 0 && !this.hasRoom(1, message.body.length)) dropped += this.take() ? 1 : 0;
    }
    this.#fresh.push({ message, place: this.#places, expiresMs, redelivered: false });
    this.#places += 1;
    this.#bytes += message.body.length;
    return dropped;
  }

  take(): Entry | undefined {
    const entry = this.#returned.shift() ?? this.#takeFresh();
    if (entry) this.#bytes -= entry.message.body.length;
    return entry;
  }

  giveBack(entry: Entry): void {
    entry.redelivered = true;
    this.#insert(entry);
    this.#bytes += entry.message.body.length;
  }

  setAsideExpired(nowMs: number): Entry | undefined {
    const { first } = this;
    if (!first || first.expiresMs > nowMs) return undefined;
    return this.#setAside(this.#returned.shift() ?? this.#takeFresh());
  }

  /** The first that is ready of those whose place is after `place` and before `end`. */
  setAsideAfter(place: number, end: number): Entry | undefined {
    const at = this.#indexAfter(place);
    const entry = this.#returned[at] ?? this.#fresh[this.#head];
    if (!entry || entry.place >= end) return undefined;
    return this.#setAside(at < this.#returned.length ? this.#returned.splice(at, 1)[0] : this.#takeFresh());
  }

  /** Puts back what was set aside. */
  putBack(entry: Entry): void {
    if (this.#aside.delete(entry)) this.#insert(entry);
  }

  /** Forgets what was set aside. */
  drop(entry: Entry): void {
    if (this.#aside.delete(entry)) this.#bytes -= entry.message.body.length;
  }

  #setAside(entry: Entry | undefined): Entry | undefined {
    if (entry) this.#aside.add(entry);
    return entry;
  }

  #insert(entry: Entry): void {
    this.#returned.splice(this.#indexAfter(entry.place), 0, entry);
  }

  /** Where in `#returned` those begin that stand after a place. */
  #indexAfter(place: number): number {
    let [low, high] = [0, this.#returned.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#returned[middle]?.place ?? 0) > place) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #takeFresh(): Entry | undefined {
    const entry = this.#fresh[this.#head];
    if (!entry) return undefined;
    this.#head += 1;
    if (this.#head === this.#fresh.length) {
      this.#fresh = [];
      this.#head = 0;
    } else if (this.#head >= SLACK && this.#head * 2 >= this.#fresh.length) {
      this.#fresh = this.#fresh.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }
}
