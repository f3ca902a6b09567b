import { randomUUID } from 'node:crypto';

/** The last six digits of an id count, from here: always six digits without filling up. */
const FIRST = 0x10_00_00;
const LAST = 0xff_ff_ff;
const COUNTED_DIGITS = 6;

/** Message ids and times of creation for many messages. Ids are UUIDs of which most is random once for many. */
export class Stamps {
  #prefix = '';
  #count = LAST;
  #atMs = 0;
  #now = '';

  messageId(): string {
    if (this.#count === LAST) {
      this.#prefix = randomUUID().slice(0, -COUNTED_DIGITS);
      this.#count = FIRST;
    }
    this.#count += 1;
    return this.#prefix + this.#count.toString(16);
  }

  /** As in HEADER.createdAt. */
  now(): string {
    const atMs = Date.now();
    if (atMs !== this.#atMs) {
      this.#atMs = atMs;
      this.#now = String(atMs);
    }
    return this.#now;
  }
}
