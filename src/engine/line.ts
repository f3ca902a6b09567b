import type { Pending } from './pending.js';

/** Those who left are thrown out when they are this many, and more than those who stay. */
const MANY = 1000;

/**
 * Submissions that wait for the same thing, in the order in which they were made, also when one comes back that was let
 * through before and could not be carried out after all.
 */
export class Line {
  /** By ticket. Who left stays in it for a while. */
  #items: Pending[] = [];
  /** Index of the first who may be here. */
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Pending | undefined {
    if (this.#size === 0) return undefined;
    while (!this.has(this.#items[this.#head])) this.#head += 1;
    return this.#items[this.#head];
  }

  get all(): readonly Pending[] {
    return this.#items.slice(this.#head).filter((one) => this.has(one));
  }

  has(pending: Pending | undefined): boolean {
    return pending?.line === this;
  }

  /** To be called by `pending`, which says that this is its line from then on. */
  add(pending: Pending): void {
    if (this.#size === 0) {
      this.#items = [];
      this.#head = 0;
    }
    this.#size += 1;
    const items = this.#items;
    const newest = items.at(-1);
    if (!newest || newest.ticket < pending.ticket) items.push(pending);
    else {
      const at = this.#placeOf(pending.ticket);
      if (items[at] === pending) return;
      if (at === this.#head && at > 0) {
        this.#head -= 1;
        items[this.#head] = pending;
      } else items.splice(at, 0, pending);
    }
  }

  /** To be called by `pending` when this is its line no more. */
  left(): void {
    this.#size -= 1;
    if (this.#items.length < MANY || this.#items.length < 2 * this.#size) return;
    this.#items = this.all.slice();
    this.#head = 0;
  }

  /** Where the first is who does not come before `ticket`. */
  #placeOf(ticket: number): number {
    let low = this.#head;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle]?.ticket ?? 0) < ticket) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
