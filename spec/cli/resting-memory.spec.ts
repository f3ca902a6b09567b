import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { RestingMemory } from '../../src/cli/resting-memory.js';

describe('RestingMemory', () => {
  it('collects once after the work, not during it, and again after more work', async () => {
    let collected = 0;
    const memory = new RestingMemory(() => {
      collected += 1;
    }, 40);
    const untilMs = performance.now() + 200;
    while (performance.now() < untilMs) {
      memory.touch();
      await delay(5);
    }
    expect(collected).to.equal(0);
    await delay(200);
    expect(collected).to.equal(1);
    memory.touch();
    while (collected < 2) await delay(10);
    memory.touch();
    memory.stop();
  });
});
