import type { Message } from 'amqplib';
import type { Letter } from './publisher.js';
import { within } from './within.js';

/** Unconfirmed letters beyond these wait outside. One letter may exceed the bytes if it is alone. */
const MAX_LETTERS = 1000;
const MAX_BYTES = 16 * 1024 * 1024;

/** A letter on its way, and how its sender is told of the end; that is for the outbox to do. */
export interface Outgoing {
  readonly letter: Letter;
  /** The broker said that no queue took it; the confirm is still to come. */
  returned: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Letters given to the broker and not confirmed yet, in order, and behind them those that wait for room. */
export class Outbox {
  readonly #write: (outgoing: Outgoing) => void;
  readonly #unconfirmed = new Set<Outgoing>();
  #waiting: Outgoing[] = [];
  #bytes = 0;
  #onEmpty: () => void = () => {};

  /** @param write gives a letter to the broker; called in the order of `add` */
  constructor(write: (outgoing: Outgoing) => void) {
    this.#write = write;
  }

  /** Writes it, at once if there is room. Settles with the letter. */
  add(letter: Letter): Promise<void> {
    return new Promise((resolve, reject) => {
      const outgoing: Outgoing = { letter, returned: false, resolve, reject };
      if (this.#waiting.length === 0 && this.#hasRoom(letter)) this.#put(outgoing);
      else this.#waiting.push(outgoing);
    });
  }

  resolve(outgoing: Outgoing): void {
    if (this.#remove(outgoing)) outgoing.resolve();
  }

  reject(outgoing: Outgoing, error: Error): void {
    if (this.#remove(outgoing)) outgoing.reject(error);
  }

  /** In the order in which they were given to the broker. */
  unconfirmed(): readonly Outgoing[] {
    return [...this.#unconfirmed];
  }

  /**
   * Equal letters are interchangeable, so the content is compared where several share a message id. Mostly the oldest
   * is meant: the broker returns and confirms in order.
   */
  markReturned({ fields, properties, content }: Message): void {
    for (const outgoing of this.#unconfirmed) {
      const { letter } = outgoing;
      if (outgoing.returned || letter.properties.messageId !== properties.messageId) continue;
      if (letter.exchange !== fields.exchange || letter.routingKey !== fields.routingKey) continue;
      if (!letter.properties.mandatory || !letter.content.equals(content)) continue;
      outgoing.returned = true;
      return;
    }
  }

  /** Resolves when all is confirmed or rejected, or after `graceMs`. */
  async emptied(graceMs: number): Promise<void> {
    if (this.#unconfirmed.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    await within(graceMs, empty);
  }

  rejectAll(error: () => Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error());
    for (const outgoing of this.unconfirmed()) this.reject(outgoing, error());
  }

  #hasRoom({ content }: Letter): boolean {
    if (this.#unconfirmed.size === 0) return true;
    return this.#unconfirmed.size < MAX_LETTERS && this.#bytes + content.length <= MAX_BYTES;
  }

  #put(outgoing: Outgoing): void {
    this.#unconfirmed.add(outgoing);
    this.#bytes += outgoing.letter.content.length;
    this.#write(outgoing);
  }

  /** False if it was settled before. Lets in who waits. */
  #remove(outgoing: Outgoing): boolean {
    if (!this.#unconfirmed.delete(outgoing)) return false;
    this.#bytes -= outgoing.letter.content.length;
    for (let next = this.#waiting[0]; next && this.#hasRoom(next.letter); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#put(next);
    }
    if (this.#unconfirmed.size === 0) this.#onEmpty();
    return true;
  }
}
