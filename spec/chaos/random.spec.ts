import { expect } from 'chai';
import { Deck, seededRandom } from './random.js';

describe('the order of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    const some = (seed: number): number[] => Array.from({ length: 20 }, seededRandom(seed));
    expect(some(5)).to.deep.equal(some(5));
    expect(some(5)).not.to.deep.equal(some(6));
    expect(some(5).every((n) => n >= 0 && n < 1)).to.equal(true);
  });

  it('leaves no card of a deck out, and goes on with the whole deck', () => {
    const deck = new Deck(['a', 'b', 'c'], seededRandom(1));
    for (let round = 0; round < 5; round += 1) {
      expect([deck.deal(), deck.deal(), deck.deal()].sort()).to.deep.equal(['a', 'b', 'c']);
    }
  });
});
