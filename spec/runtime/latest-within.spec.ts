import { expect } from 'chai';
import { latestWithin } from '../../src/runtime/latest-within.js';

describe('latestWithin', () => {
  it('answers with what was known last when it takes too long, and asks once at a time', async () => {
    let asked = 0;
    let answer: (value: number) => void = () => undefined;
    const ask = (): Promise<number> => {
      asked += 1;
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const latest = latestWithin(ask, { withinMs: 10, before: 0 });
    expect(await Promise.all([latest(), latest()])).to.deep.equal([0, 0]);
    expect(asked).to.equal(1);
    const third = latest();
    answer(7);
    expect(await third).to.equal(7);
    expect(await latest()).to.equal(7);
    expect(asked).to.equal(2);
  });

  it('answers with what was known last when there is no answer', async () => {
    const latest = latestWithin(() => Promise.reject(new Error('gone')), { withinMs: 1000, before: 'before' });
    expect(await latest()).to.equal('before');
  });
});
