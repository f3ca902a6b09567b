import { expect } from 'chai';
import { Unconfirmed } from '../../../src/transport/log/unconfirmed.js';

describe('Unconfirmed', () => {
  function scene(messages: number, bytes: number) {
    const unconfirmed = new Unconfirmed({ messages, bytes });
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const run = (size: number) =>
      unconfirmed.run(size, () => {
        begun.push(size);
        return new Promise<void>((resolve) => ends.push(resolve));
      });
    /** Ends the one that began at this index, and lets begin what may. */
    const end = async (at: number): Promise<void> => {
      ends[at]?.();
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { begun, run, end };
  }

  it('lets so many begin, and further ones in order as others end', async () => {
    const { begun, run, end } = scene(2, 1000);
    const all = [1, 2, 3, 4].map(run);
    expect(begun).to.deep.equal([1, 2]);
    await end(1);
    expect(begun).to.deep.equal([1, 2, 3]);
    for (const at of [0, 2, 3]) await end(at);
    await Promise.all(all);
    expect(begun).to.deep.equal([1, 2, 3, 4]);
  });

  it('counts bytes; nobody overtakes one that waits, and one above the limit goes alone', async () => {
    const { begun, run, end } = scene(10, 100);
    const all = [60, 50, 40, 500].map(run);
    expect(begun, 'a small one does not pass').to.deep.equal([60]);
    await end(0);
    expect(begun).to.deep.equal([60, 50, 40]);
    await end(1);
    expect(begun).to.have.length(3);
    await end(2);
    expect(begun).to.deep.equal([60, 50, 40, 500]);
    await end(3);
    await Promise.all(all);
  });

  it('makes room again after one that failed', async () => {
    const unconfirmed = new Unconfirmed({ messages: 1, bytes: 10 });
    const failing = unconfirmed.run(5, async () => {
      throw new Error('lost');
    });
    const next = unconfirmed.run(5, async () => 'sent');
    expect(await failing.catch((error: Error) => error.message)).to.equal('lost');
    expect(await next).to.equal('sent');
  });
});
