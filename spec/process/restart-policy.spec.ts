import { expect } from 'chai';
import { RestartPolicy } from '../../src/process/restart-policy.js';

const failure = (atMs: number) => ({ code: 1, signal: null, atMs });

describe('RestartPolicy', () => {
  it('waits longer after each failure, and gives up at the limit', () => {
    const policy = new RestartPolicy({ minMs: 100, limit: 3 });
    const decisions = [0, 1, 2].map((atMs) => policy.judge(failure(atMs), 5));
    const [first, second, third] = decisions.map((decision) =>
      decision.kind === 'again' ? decision.afterMs : decision.kind,
    );
    expect(first).to.be.within(75, 125);
    expect(second).to.be.within(150, 250);
    expect(third).to.equal('failed');
  });

  it('bears eight failures, the deaths over two messages that kill, unless told otherwise', () => {
    const policy = new RestartPolicy();
    const kinds = Array.from({ length: 9 }, (_, atMs) => policy.judge(failure(atMs), 5).kind);
    expect(kinds).to.deep.equal([...Array<string>(8).fill('again'), 'failed']);
  });

  it('forgets failures that are long ago, and those before a life that was long', () => {
    const policy = new RestartPolicy({ limit: 2, windowMs: 1000, settledMs: 500 });
    const kinds = [
      policy.judge(failure(0), 5),
      policy.judge(failure(2000), 5),
      policy.judge(failure(2600), 600),
      policy.judge(failure(2700), 5),
    ].map(({ kind }) => kind);
    expect(kinds).to.deep.equal(['again', 'again', 'again', 'failed']);
  });

  it('does not count a kill from outside as a failure', () => {
    for (const how of [
      { code: null, signal: 'SIGKILL' },
      { code: null, signal: 'SIGTERM' },
      { code: 143, signal: null },
    ] as const) {
      const policy = new RestartPolicy({ limit: 2 });
      for (let atMs = 0; atMs < 10; atMs += 1) {
        expect(policy.judge({ ...how, atMs }, 5).kind, JSON.stringify(how)).to.equal('again');
      }
    }
  });

  it('waits longer after each kill from outside only while it lives for less than 2 s', () => {
    const kill = (atMs: number) => ({ code: null, signal: 'SIGKILL' as const, atMs });
    const pausesOf = (livedMs: number): number[] => {
      const policy = new RestartPolicy({ minMs: 100 });
      return [1, 2, 3, 4].map((n) => {
        const decision = policy.judge(kill(n * 3000), livedMs);
        return decision.kind === 'again' ? decision.afterMs : Number.NaN;
      });
    };
    expect(pausesOf(2500).every((ms) => ms <= 125)).to.equal(true);
    expect(pausesOf(1500).at(-1)).to.be.within(600, 1000);
  });

  it('does not try again what cannot be started, unless it is to be tried for ever', () => {
    const exit = { code: null, signal: null, atMs: 0 };
    expect(new RestartPolicy().judge(exit, undefined).kind).to.equal('failed');
    expect(new RestartPolicy({ limit: Number.POSITIVE_INFINITY }).judge(exit, undefined).kind).to.equal('again');
  });

  it('takes final exit codes for the end', () => {
    const policy = new RestartPolicy({ finalCodes: [2] });
    expect(policy.judge({ ...failure(0), code: 2 }, 5).kind).to.equal('ended');
    expect(policy.judge({ ...failure(0), code: 0 }, 5).kind).to.equal('again');
  });
});
