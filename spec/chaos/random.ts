/** Numbers from 0 to below 1 that look random; the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Deals cards of a shuffled deck, again and again: at random, but none is left out for long. */
export class Deck<T> {
  readonly #cards: readonly T[];
  readonly #random: () => number;
  #left: T[] = [];

  /** @throws {RangeError} without cards */
  constructor(cards: readonly T[], random: () => number) {
    if (cards.length === 0) throw new RangeError('a deck needs cards');
    this.#cards = cards;
    this.#random = random;
  }

  deal(): T {
    if (this.#left.length === 0) this.#left = [...this.#cards];
    const [card] = this.#left.splice(Math.floor(this.#random() * this.#left.length), 1);
    if (card === undefined) throw new RangeError('the random numbers are not below 1');
    return card;
  }
}
