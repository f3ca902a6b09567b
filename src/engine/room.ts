/** How much an inqueue holds ready, and what happens beyond: `wait` holds senders back, `drop-oldest` makes room. */
export interface QueueLimit {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly beyond: 'wait' | 'drop-oldest';
}

/** What an inqueue has ready, and what is on its way there, against its limit. */
export class Room {
  limit: QueueLimit;
  /** Messages that are ready, as the node counts them. */
  readonly #ready: () => number;
  /** Being written, and not ready yet. */
  #reserved = 0;
  #reservedBytes = 0;
  /** Of what is ready. */
  #bytes = 0;

  constructor(limit: QueueLimit, ready: () => number) {
    this.limit = limit;
    this.#ready = ready;
  }

  /** False while who sends this has to wait; true also for what is more than the limit, when nothing is there. */
  isFor(messages: number, bytes: number): boolean {
    const { maxMessages, maxBytes, beyond } = this.limit;
    if (beyond === 'drop-oldest') return true;
    const here = this.#ready() + this.#reserved;
    return here === 0 || (here + messages <= maxMessages && this.#bytes + this.#reservedBytes + bytes <= maxBytes);
  }

  /** Messages more than the limit; one at least where they are too large together. */
  get surplus(): number {
    const surplus = this.#ready() - this.limit.maxMessages;
    return this.#bytes > this.limit.maxBytes ? Math.max(surplus, 1) : Math.max(surplus, 0);
  }

  /** A message is on its way here. */
  reserve(bytes: number): void {
    this.#reserved += 1;
    this.#reservedBytes += bytes;
  }

  /** It has come, or does not come. */
  arrived(bytes: number, hasCome: boolean): void {
    this.#reserved -= 1;
    this.#reservedBytes -= bytes;
    if (hasCome) this.#bytes += bytes;
  }

  /** So much more is ready: it was there before, or came back. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** So much is ready no more. */
  remove(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Others may have come and gone as well: what is empty weighs nothing. */
  correct(): void {
    if (this.#ready() + this.#reserved === 0) this.#bytes = 0;
  }
}
