import { expect } from 'chai';
import { all, DONE, describeEngines, GONE, output, q, type Scene, send, Taker, work } from './scene.js';

describeEngines('bounds', (engines) => {
  it('makes senders to a full inqueue wait, and lets them in in order', async () => {
    const scene = await engines.open({ maxMessages: 2 });
    const outcomes = scene.send('a', 'b', 'c', 'd');
    await scene.quiet();
    expect(outcomes).to.deep.equal([DONE, DONE, [], []]);
    const taker = new Taker(scene.session, work, 1);
    await scene.quiet();
    expect(outcomes).to.deep.equal([DONE, DONE, DONE, []]);
    for (const at of [0, 1, 2, 3]) await taker.ack(at);
    expect(taker.texts).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(outcomes[3]).to.deep.equal(DONE);
    expect(scene.depth()).to.include({ ready: 0, unacked: 0 });
  });

  it('lets nobody overtake those who wait, not even who sends the moment it was let in', async () => {
    const scene = await engines.open({ maxMessages: 2 });
    await scene.fill('a', 'b');
    scene.session.send(output('inqueue', work, 'c'), () => scene.send('e'));
    scene.send('d');
    const taker = new Taker(scene.session, work, 2);
    for (const at of [0, 1, 2, 3, 4]) await taker.ack(at);
    expect(taker.texts).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
  });

  it('lets in who came while others were being written, though nothing is taken', async () => {
    const scene = await engines.open({ maxMessages: 3 });
    const behind: object[][] = [];
    scene.session.send(output('inqueue', work, 'a'), () => behind.push(...scene.send('c')));
    await scene.fill('b');
    await scene.quiet();
    expect(behind).to.deep.equal([DONE]);
    expect(scene.depth()).to.include({ ready: 3 });
  });

  it('counts bytes as well', async () => {
    const scene = await engines.open({ maxBytes: 10 });
    const outcomes = scene.send('12345', '67890', 'x');
    await scene.quiet();
    expect(outcomes).to.deep.equal([DONE, DONE, []]);
  });

  it('lets nobody overtake who needs more room', async () => {
    const scene = await engines.open({ maxBytes: 10 });
    const outcomes = scene.send('12345678', 'large', 'x');
    await scene.quiet();
    expect(outcomes).to.deep.equal([DONE, [], []]);
    expect(await new Taker(scene.session, work, 3).took(3)).to.deep.equal(['12345678', 'large', 'x']);
  });

  it('counts no bytes of what others put in and took out', async () => {
    const scene = await engines.open({ maxBytes: 10 });
    await scene.node.commit([{ topic: work, body: Buffer.alloc(1000) }]);
    const taker = new Taker(scene.session, work, 5);
    await taker.ack(0);
    taker.consumer.pause();
    const outcomes = scene.send('12345', '67890', 'x');
    await scene.quiet();
    expect(outcomes).to.deep.equal([DONE, DONE, []]);
  });

  it('forgets a waiting send that is withdrawn, and ends those of a session that ends', async () => {
    const scene = await engines.open({ maxMessages: 1 });
    await scene.fill('a');
    const withdrawn = scene.session.send(output('inqueue', work, 'b'), () => expect.fail('was withdrawn'));
    expect(withdrawn.waitsFor).to.equal('room');
    withdrawn.cancel();
    const leaving = scene.engine.open({ id: 'leaving' });
    const left = send(leaving, output('inqueue', work, 'c'));
    leaving.end('left');
    expect(left).to.deep.equal(GONE);
    expect(send(leaving, output('inqueue', work, 'd'))).to.deep.equal(GONE);
    const taker = new Taker(scene.session, work, 10);
    await scene.quiet();
    expect(taker.texts).to.deep.equal(['a']);
    expect(scene.depth()).to.include({ ready: 0 });
  });

  it('keeps the newest dead letters and counts those it dropped', async () => {
    const scene = await engines.open({ maxDeadLetters: 2 });
    const taker = new Taker(scene.session, work, 10);
    await scene.fill('a', 'b', 'c', 'd', 'e');
    await taker.took(5);
    await Promise.all([0, 1, 2, 3, 4].map((at) => taker.bury(at, `dead ${at}`)));
    await scene.quiet();
    expect(scene.engine.counters.deadDropped).to.equal(3);
    expect(await new Taker(scene.session, q('dead-work'), 10).took(2)).to.deep.equal(['dead 3', 'dead 4']);
  });

  it('goes on with 20,000 who wait, in order', async function () {
    this.timeout(20_000);
    const scene = await engines.open({ maxMessages: 10 });
    const count = 20_000;
    const outcomes = scene.send(...Array.from({ length: count }, (_, n) => `${n}`));
    const seen = await drain(scene, count);
    await all(outcomes);
    expect(seen).to.deep.equal(Array.from({ length: count }, (_, n) => n));
  });
});

/** Takes and settles so many. @returns what they said, in order */
async function drain({ session }: Scene, count: number): Promise<number[]> {
  const seen: number[] = [];
  await new Promise<void>((resolve) => {
    const ack = { verdict: 'ack', outputs: [] } as const;
    let settled = 0;
    const consumer = session.consume(work, 100, ({ tag, body }) => {
      seen.push(Number(body));
      queueMicrotask(() =>
        consumer.settle(tag, ack, () => {
          settled += 1;
          if (settled === count) resolve();
        }),
      );
    });
  });
  return seen;
}
