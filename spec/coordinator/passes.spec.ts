import { mock } from 'node:test';
import { expect } from 'chai';
import { Passes } from '../../src/coordinator/passes.js';
import { keepingLogger } from '../participant/network.js';

describe('Passes', () => {
  let nowMs: number;
  /** When each was made. */
  let made: number[];
  let next: () => Promise<number>;
  let passes: Passes;
  let log: ReturnType<typeof keepingLogger>;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    nowMs = 0;
    made = [];
    next = async () => Number.POSITIVE_INFINITY;
    log = keepingLogger();
    const run = (): Promise<number> => {
      made.push(nowMs);
      return next();
    };
    passes = new Passes({ run, log, nowMs: () => nowMs });
    passes.start();
  });
  afterEach(async () => {
    await passes.stop();
    mock.timers.reset();
  });

  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) {
      nowMs += 10;
      mock.timers.tick(10);
      // A pass ends in promises.
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
  };

  it('are made together for reasons that come together, and at rest not at all but once a minute', async () => {
    await pass(100);
    expect(made).to.deep.equal([30]);
    passes.wake();
    await pass(10);
    passes.wake();
    await pass(59_000);
    expect(made).to.deep.equal([30, 130]);
    await pass(2_000);
    expect(made).to.deep.equal([30, 130, 60_030]);
  });

  it('come when the one before says that something is due, also when another came in between', async () => {
    let dueAtMs = 5_030;
    next = async () => (dueAtMs > nowMs ? dueAtMs - nowMs : Number.POSITIVE_INFINITY);
    await pass(1_000);
    passes.wake();
    await pass(10_000);
    expect(made).to.deep.equal([30, 1_030, 5_030]);
    dueAtMs = 20_000;
    passes.wake();
    await pass(10_000);
    expect(made.slice(3)).to.deep.equal([11_030, 20_000]);
  });

  it('come soon after one that took long, for what came meanwhile', async () => {
    let end = (): void => undefined;
    next = () => new Promise((resolve) => (end = () => resolve(Number.POSITIVE_INFINITY)));
    await pass(100);
    passes.wake();
    await pass(1_000);
    expect(made).to.deep.equal([30]);
    end();
    await pass(100);
    expect(made).to.deep.equal([30, 1_140]);
    end();
  });

  it('come again 5 s after one that failed', async () => {
    next = () => Promise.reject(new Error('no'));
    await pass(5_100);
    expect(made).to.deep.equal([30, 5_030]);
    expect(log.lines).to.deep.equal(['a pass failed: no', 'a pass failed: no']);
  });
});
