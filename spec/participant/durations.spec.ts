import { expect } from 'chai';
import { DURATION_BOUNDS_MS } from '../../src/discovery/index.js';
import { DurationCounts } from '../../src/participant/durations.js';

describe('DurationCounts', () => {
  it('counts each duration in the first class whose bound it does not pass, what is above all in the last', () => {
    const counts = new DurationCounts();
    for (const ms of [0, 1, 1.5, 50, 51, 60_000, 60_001]) counts.observe(ms);
    const classes = [...DURATION_BOUNDS_MS, Number.POSITIVE_INFINITY];
    const total = counts.total;
    const filled = classes.flatMap((bound, at) => (total.counts[at] ? [[bound, total.counts[at]]] : []));
    expect(filled).to.deep.equal([
      [1, 2],
      [2, 1],
      [50, 1],
      [100, 1],
      [60_000, 1],
      [Number.POSITIVE_INFINITY, 1],
    ]);
    expect(total.sumMs).to.equal(120_104.5);
  });

  it('takes what is below zero for zero: the clocks of two hosts differ', () => {
    const counts = new DurationCounts();
    counts.observe(-500);
    expect(counts.total.counts[0]).to.equal(1);
    expect(counts.total.sumMs).to.equal(0);
  });

  it('does not count what is no number', () => {
    const counts = new DurationCounts();
    counts.observe(Number.NaN);
    expect(counts.total.counts.every((count) => count === 0)).to.equal(true);
  });

  it('gives totals that later observations do not change', () => {
    const counts = new DurationCounts();
    const { total } = counts;
    counts.observe(1);
    expect(total.counts[0]).to.equal(0);
  });
});
