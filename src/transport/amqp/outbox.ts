import type { Message } from 'amqplib';
import { within } from '../../support/index.js';
import type { Letter } from './wire.js';

/** Unconfirmed letters beyond these wait outside. One letter may exceed the bytes if it is alone. */
const MAX_LETTERS = 1000;
const MAX_BYTES = 16 * 1024 * 1024;

/** A letter on its way, and how its sender is told of the end; that is for the outbox to do. */
export interface Outgoing {
  readonly letter: Letter;
  /** Counts up in the order of the senders' calls. */
  readonly number: number;
  /** Aside while its queue is full: it takes no room, so that it stands in nobody's way. */
  parked: boolean;
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
  #parked = 0;
  #number = 0;
  #isLettingIn = false;
  #onEmpty: () => void = () => {};

  /** @param write gives a letter to the broker; called in the order of `add` */
  constructor(write: (outgoing: Outgoing) => void) {
    this.#write = write;
  }

  /** Writes it, at once if there is room. Settles with the letter. */
  add(letter: Letter): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#number += 1;
      const outgoing: Outgoing = { letter, number: this.#number, parked: false, returned: false, resolve, reject };
      if (this.#waiting.length === 0 && this.hasRoom(letter)) this.#put(outgoing);
      else this.#waiting.push(outgoing);
    });
  }

  resolve(outgoing: Outgoing): void {
    if (this.#remove(outgoing)) outgoing.resolve();
  }

  reject(outgoing: Outgoing, error: Error): void {
    if (this.#remove(outgoing)) outgoing.reject(error);
  }

  /** False once it was resolved or rejected. */
  has(outgoing: Outgoing): boolean {
    return this.#unconfirmed.has(outgoing);
  }

  /** Puts it aside: it stays unconfirmed, and others have its room. */
  park(outgoing: Outgoing): void {
    if (outgoing.parked || !this.#unconfirmed.has(outgoing)) return;
    outgoing.parked = true;
    this.#parked += 1;
    this.#bytes -= outgoing.letter.content.length;
    this.#letIn();
  }

  /** Gives it its room back, even if there is too little of it. */
  unpark(outgoing: Outgoing): void {
    if (!outgoing.parked) return;
    outgoing.parked = false;
    this.#parked -= 1;
    this.#bytes += outgoing.letter.content.length;
  }

  hasRoom({ content }: Letter): boolean {
    const letters = this.#unconfirmed.size - this.#parked;
    return letters === 0 || (letters < MAX_LETTERS && this.#bytes + content.length <= MAX_BYTES);
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
      if (outgoing.returned || letter.messageId !== properties.messageId) continue;
      if (letter.exchange !== fields.exchange || letter.routingKey !== fields.routingKey) continue;
      if (!letter.mandatory || !letter.content.equals(content)) continue;
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
    await within(empty, graceMs);
  }

  rejectAll(error: () => Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error());
    for (const outgoing of this.unconfirmed()) this.reject(outgoing, error());
  }

  #put(outgoing: Outgoing): void {
    this.#unconfirmed.add(outgoing);
    this.#bytes += outgoing.letter.content.length;
    this.#write(outgoing);
  }

  /** False if it was settled before. Lets in who waits. */
  #remove(outgoing: Outgoing): boolean {
    if (!this.#unconfirmed.delete(outgoing)) return false;
    if (outgoing.parked) this.#parked -= 1;
    else this.#bytes -= outgoing.letter.content.length;
    this.#letIn();
    if (this.#unconfirmed.size === 0) this.#onEmpty();
    return true;
  }

  /** One that is let in may be put aside at once and make room for the next. */
  #letIn(): void {
    if (this.#isLettingIn) return;
    this.#isLettingIn = true;
    for (let next = this.#waiting[0]; next && this.hasRoom(next.letter); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#put(next);
    }
    this.#isLettingIn = false;
  }
}
