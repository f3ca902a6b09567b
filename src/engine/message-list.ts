import type { EngineMessage } from './engine.js';

/** A message with its place in the order of one inqueue. */
export interface Entry {
  readonly message: EngineMessage;
  readonly place: number;
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
  #places = 0;
  #bytes = 0;

  constructor(limit: QueueLimit) {
    this.limit = limit;
  }

  get length(): number {
    return this.#returned.length + this.#fresh.length - this.#head;
  }

  get isFull(): boolean {
    return this.length >= this.limit.maxMessages || this.#bytes >= this.limit.maxBytes;
  }

  /** Adds at the end. Returns how many were dropped to make room. */
  push(message: EngineMessage): number {
    let dropped = 0;
    if (this.limit.beyond === 'drop-oldest') while (this.length > 0 && this.isFull) dropped += this.take() ? 1 : 0;
    this.#fresh.push({ message, place: this.#places, redelivered: false });
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
    let at = this.#returned.length;
    while (at > 0 && (this.#returned[at - 1]?.place ?? -1) > entry.place) at -= 1;
    this.#returned.splice(at, 0, entry);
    this.#bytes += entry.message.body.length;
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
