import { expect } from 'chai';
import { LetterProgress } from '../../src/cli/dead-progress.js';
import { Pace, parseRate } from '../../src/cli/dead-rate.js';

describe('the progress of long work on letters', () => {
  function shownBy(isTTY: boolean): string {
    let text = '';
    const progress = new LetterProgress('redriven', { isTTY, write: (more: string) => (text += more) });
    for (let n = 0; n < 1000; n += 1) progress.step();
    progress.end();
    return text;
  }

  it('is one line on a terminal, taken away at the end', () => {
    expect(shownBy(true)).to.match(/^(\rredriven \d+)+\r {10,}\r$/);
  });

  it('is nothing elsewhere', () => expect(shownBy(false)).to.equal(''));
});

describe('the pace of a redrive', () => {
  it('is read as so many a second, a minute, an hour, or as fast as possible', () => {
    expect(['20/s', '20', '30/m', '2/h', '0', 'max'].map(parseRate)).to.deep.equal([50, 50, 2000, 1_800_000, 0, 0]);
    for (const text of ['', '-1', '20/d', 'fast', '0.5/h']) expect(() => parseRate(text), text).to.throw(/--rate is/);
  });

  it('lets the first go at once and the others no faster than it is', async () => {
    const pace = new Pace(20);
    const { signal } = new AbortController();
    const startMs = performance.now();
    for (let n = 0; n < 6; n += 1) expect(await pace.next(signal)).to.equal(true);
    expect(performance.now() - startMs).to.be.within(95, 1000);
  });

  it('ends at once when interrupted', async () => {
    const pace = new Pace(60_000);
    const abort = new AbortController();
    expect(await pace.next(abort.signal)).to.equal(true);
    const next = pace.next(abort.signal);
    abort.abort();
    expect(await next).to.equal(false);
  });
});
