import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { timeLimit } from '../../src/support/index.js';

describe('timeLimit', () => {
  it('comes also when garbage is collected meanwhile', async () => {
    const { signal } = timeLimit(400, new AbortController().signal);
    for (const endMs = performance.now() + 3000; !signal.aborted && performance.now() < endMs; ) {
      Array.from({ length: 20_000 }, () => ({}));
      await delay(5);
    }
    expect(signal.aborted).to.equal(true);
  });

  it('comes with the other signal, and not once it was ended', async () => {
    const outer = new AbortController();
    const limit = timeLimit(5, outer.signal);
    limit.end();
    await delay(20);
    expect(limit.signal.aborted).to.equal(false);
    outer.abort();
    expect(limit.signal.aborted).to.equal(true);
  });
});
