import { expect } from 'chai';
import { parseDuration, shownDuration } from '../../src/cli/duration.js';
import { Pulse } from '../../src/cli/pulse.js';
import { UsageError } from '../../src/errors.js';

const pulse = (options: Partial<ConstructorParameters<typeof Pulse>[0]> = {}): Pulse => {
  return new Pulse({ periodMs: 100, failMissed: 3, graceMs: 0, startMs: 1000, ...options });
};

describe('Pulse', () => {
  it('tells of the first beat, and of no other that is in time', () => {
    const one = pulse();
    expect(one.beat(1010)).to.deep.equal({ event: 'first' });
    for (const atMs of [1110, 1150, 1260, 1409]) {
      expect(one.check(atMs)).to.equal(undefined);
      expect(one.beat(atMs)).to.equal(undefined);
    }
    expect(one.isInTime).to.equal(true);
  });

  it('counts a period as missed when half of the next has passed too, and tells when it has something to say', () => {
    const one = pulse();
    one.beat(1000);
    expect(one.dueMs).to.equal(1150);
    expect(one.check(1149)).to.equal(undefined);
    expect(one.check(1150)).to.deep.equal({ event: 'missed', missed: 1, silentMs: 150 });
    expect(one.isInTime).to.equal(false);
    expect(one.check(1160)).to.equal(undefined);
    expect(one.dueMs).to.equal(1250);
    expect(one.check(1250)).to.deep.equal({ event: 'missed', missed: 2, silentMs: 250 });
  });

  it('fails once, is silent until it is back, and may fail again', () => {
    const one = pulse();
    one.beat(1000);
    expect(one.check(1350)).to.deep.equal({ event: 'failed', missed: 3, silentMs: 350 });
    expect(one.dueMs).to.equal(undefined);
    expect(one.check(9000)).to.equal(undefined);
    expect(one.beat(9000)).to.deep.equal({ event: 'back', missed: 3, silentMs: 8000 });
    expect(one.isInTime).to.equal(true);
    expect(one.dueMs).to.equal(9150);
    expect(one.check(9400)).to.deep.include({ event: 'failed' });
  });

  it('begins to count anew at every beat', () => {
    const one = pulse();
    one.beat(1000);
    for (let atMs = 1250; atMs < 3000; atMs += 250) {
      expect(one.check(atMs)).to.deep.equal({ event: 'missed', missed: 2, silentMs: 250 });
      expect(one.beat(atMs)).to.deep.include({ event: 'back', missed: 2 });
    }
  });

  it('counts from the end of the grace when nothing ever came', () => {
    const one = pulse({ graceMs: 500 });
    expect(one.dueMs).to.equal(1650);
    expect(one.check(1649)).to.equal(undefined);
    expect(one.check(1650)).to.deep.equal({ event: 'missed', missed: 1, silentMs: 650 });
    expect(one.check(1850)).to.deep.equal({ event: 'failed', missed: 3, silentMs: 850 });
  });

  it('takes a first beat within the grace for the beginning', () => {
    const one = pulse({ graceMs: 500 });
    expect(one.beat(1100)).to.deep.equal({ event: 'first' });
    expect(one.check(1250)).to.deep.include({ event: 'missed', missed: 1 });
  });

  it('refuses a period of nothing and a failure without a miss', () => {
    expect(() => pulse({ periodMs: 0 })).to.throw(RangeError, 'periodMs');
    expect(() => pulse({ failMissed: 0 })).to.throw(RangeError, 'failMissed');
  });
});

describe('durations', () => {
  it('are read with a unit, or as seconds', () => {
    const read = ['500ms', '1s', '1.5s', '.5', '2m', '1h', '1d', ' 3 ', '0'].map((text) => parseDuration('--x', text));
    expect(read).to.deep.equal([500, 1000, 1500, 500, 120_000, 3_600_000, 86_400_000, 3000, 0]);
  });

  it('that are none are refused with the flag and what was given', () => {
    for (const text of ['', 'soon', '1 week', '-1s', '1s2', '1e3', 'Infinity', 's', '0x10']) {
      expect(() => parseDuration('--x', text)).to.throw(
        UsageError,
        `--x is a duration such as 500ms, 1s or 2m, not '${text}'`,
      );
    }
    expect(() => parseDuration('--x', '25d')).to.throw(UsageError, '--x is at most 24 days');
  });

  it('are shown in the unit that reads best', () => {
    expect([0, 499.6, 1000, 1549, 120_000].map(shownDuration)).to.deep.equal([
      '0 ms',
      '500 ms',
      '1 s',
      '1.5 s',
      '120 s',
    ]);
  });
});
