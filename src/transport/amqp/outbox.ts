import type { Message } from 'amqplib';
import type { Letter } from './publisher.js';
import { within } from './within.js';

/** Unconfirmed letters beyond these wait outside. One letter may exceed the bytes if it is alone. */
const MAX_LETTERS = 1000;
const MAX_BYTES = 16 * 1024 * 1024;

/** A letter on its way: leaves the outbox when it is resolved or rejected. */
export interface Outgoing {
  readonly letter: Letter;
  /** The broker said that no queue took it; the confirm is still to come. */
  returned: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Waiting {
  readonly outgoing: Outgoing;
  readonly write: (outgoing: Outgoing) => void;
  readonly abandon: (error: Error) => void;
}

/** Letters given to the broker and not confirmed yet, in order, and behind them those that wait for room. */
export class Outbox {
  readonly #unconfirmed = new Set<Outgoing>();
  /** Mandatory ones by message id, to find which of them the broker returned. */
  readonly #returnable = new Map<string, Outgoing[]>();
  #waiting: Waiting[] = [];
  #bytes = 0;
  #onEmpty: () => void = () => {};

  /** Calls `write` in the order of the calls, at once if there is room. Settles with the letter. */
  add(letter: Letter, write: (outgoing: Outgoing) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const outgoing: Outgoing = {
        letter,
        returned: false,
        resolve: () => {
          if (this.#remove(outgoing)) resolve();
        },
        reject: (error) => {
          if (this.#remove(outgoing)) reject(error);
        },
      };
      if (this.#waiting.length === 0 && this.#hasRoom(letter)) this.#put(outgoing, write);
      else this.#waiting.push({ outgoing, write, abandon: reject });
    });
  }

  /** In the order in which they were given to the broker. */
  unconfirmed(): readonly Outgoing[] {
    return [...this.#unconfirmed];
  }

  /** Equal letters are interchangeable, so the content is compared where several share a message id. */
  markReturned({ fields, properties, content }: Message): void {
    for (const outgoing of this.#returnable.get(idOf(properties.messageId)) ?? []) {
      const { letter } = outgoing;
      const same = letter.exchange === fields.exchange && letter.routingKey === fields.routingKey;
      if (outgoing.returned || !same || !letter.content.equals(content)) continue;
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
    for (const { abandon } of waiting) abandon(error());
    for (const outgoing of this.unconfirmed()) outgoing.reject(error());
  }

  #hasRoom({ content }: Letter): boolean {
    if (this.#unconfirmed.size === 0) return true;
    return this.#unconfirmed.size < MAX_LETTERS && this.#bytes + content.length <= MAX_BYTES;
  }

  #put(outgoing: Outgoing, write: Waiting['write']): void {
    const { letter } = outgoing;
    this.#unconfirmed.add(outgoing);
    this.#bytes += letter.content.length;
    if (letter.mandatory) {
      const id = idOf(letter.properties.messageId);
      const same = this.#returnable.get(id);
      if (same) same.push(outgoing);
      else this.#returnable.set(id, [outgoing]);
    }
    write(outgoing);
  }

  /** False if it was settled before. Lets in who waits. */
  #remove(outgoing: Outgoing): boolean {
    if (!this.#unconfirmed.delete(outgoing)) return false;
    const { letter } = outgoing;
    this.#bytes -= letter.content.length;
    if (letter.mandatory) {
      const id = idOf(letter.properties.messageId);
      const others = this.#returnable.get(id)?.filter((each) => each !== outgoing) ?? [];
      if (others.length === 0) this.#returnable.delete(id);
      else this.#returnable.set(id, others);
    }
    for (let next = this.#waiting[0]; next && this.#hasRoom(next.outgoing.letter); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#put(next.outgoing, next.write);
    }
    if (this.#unconfirmed.size === 0) this.#onEmpty();
    return true;
  }
}

const idOf = (messageId: unknown): string => (typeof messageId === 'string' ? messageId : '');
