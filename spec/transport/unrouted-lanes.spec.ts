import { expect } from 'chai';
import { asQueueName } from '../../src/names.js';
import { UnroutedError } from '../../src/transport/errors.js';
import { UnroutedLanes } from '../../src/transport/unrouted-lanes.js';

/** A broker in a few words: takes messages once `isBound`, and answers each try later, as a real one. */
class Scene {
  readonly stop = new AbortController();
  readonly lanes = new UnroutedLanes(this.stop.signal);
  readonly taken: number[] = [];
  tries = 0;
  isBound = false;

  send(n: number): Promise<void> {
    return this.lanes.send('q', async () => {
      this.tries += 1;
      const { isBound } = this;
      await new Promise((resolve) => setImmediate(resolve));
      if (!isBound) throw new UnroutedError(asQueueName('q'));
      this.taken.push(n);
    });
  }
}

describe('UnroutedLanes', () => {
  it('sends what nobody took in the order in which it was sent, and what is sent meanwhile behind it', async () => {
    const scene = new Scene();
    const sent = [1, 2, 3].map((n) => scene.send(n));
    await new Promise((resolve) => setTimeout(resolve, 20));
    sent.push(scene.send(4), scene.send(5));
    scene.isBound = true;
    await sent[0];
    sent.push(scene.send(6));
    await Promise.all(sent);
    expect(scene.taken).to.deep.equal([1, 2, 3, 4, 5, 6]);
  });

  it('tries only the first again while nobody takes any', async () => {
    const scene = new Scene();
    const sent = Array.from({ length: 100 }, (_, n) => scene.send(n));
    while (scene.tries < 102) await new Promise((resolve) => setTimeout(resolve, 5));
    scene.isBound = true;
    await Promise.all(sent);
    expect(scene.tries).to.equal(202);
  });

  it('gives up one that fails otherwise, and goes on with the next', async () => {
    const scene = new Scene();
    let tries = 0;
    const broken = scene.lanes.send('q', async () => {
      tries += 1;
      if (tries === 1) throw new UnroutedError(asQueueName('q'));
      scene.isBound = true;
      throw new RangeError('too large');
    });
    const next = scene.send(1);
    expect(await broken.catch((error: unknown) => error)).to.be.instanceOf(RangeError);
    await next;
    expect(scene.taken).to.deep.equal([1]);
  });

  it('rejects all that wait when it is stopped', async () => {
    const scene = new Scene();
    const sent = [1, 2].map((n) => scene.send(n).catch((error: unknown) => error));
    await new Promise((resolve) => setTimeout(resolve, 10));
    scene.stop.abort(new Error('leaving'));
    expect(await Promise.all(sent)).to.satisfy((all: Error[]) => all.every(({ message }) => message === 'leaving'));
    const late = await scene.send(3).catch((error: unknown) => error);
    expect(late).to.have.property('message', 'leaving');
  });
});
