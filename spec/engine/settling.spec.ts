import { expect } from 'chai';
import { all, DONE, describeEngines, GONE, output, q, type Scene, send, Taker, work } from './scene.js';

const results = q('results');
const other = q('other');
const out = q('out');

describeEngines('settling', (engines) => {
  async function chain(options = {}): Promise<Scene> {
    const scene = await engines.open(options);
    await scene.session.declare('outqueue', out, { persistent: true });
    await scene.session.declare('inqueue', results, { persistent: true });
    return scene;
  }

  it('does nothing at all while one target is full, then everything at once', async () => {
    const scene = await chain({ maxMessages: 1 });
    const { session } = scene;
    await session.declare('inqueue', other, { persistent: true });
    await scene.engine.bind({ kind: 'pubsub', source: out, target: results });
    await all([send(session, output('inqueue', results, 'in the way'))]);
    await scene.fill('a');
    const taker = new Taker(session, work, 1);
    await taker.took(1);
    const outcomes = taker.settle(0, 'ack', [output('inqueue', other, 'x'), output('outqueue', out, 'y')]);
    await scene.quiet();
    expect(outcomes).to.deep.equal([]);
    expect([scene.depth()?.unacked, scene.depth(other)?.ready]).to.deep.equal([1, 0]);
    const reader = new Taker(session, results, 2);
    expect(await reader.took(2)).to.deep.equal(['in the way', 'y']);
    await all([outcomes]);
    expect(outcomes).to.deep.equal(DONE);
    expect([scene.depth()?.unacked, scene.depth(other)?.ready]).to.deep.equal([0, 1]);
  });

  it('leaves the delivery unsettled while a mandatory output has no taker: holds it, or says unrouted', async () => {
    const scene = await chain();
    await scene.fill('a', 'b');
    const taker = new Taker(scene.session, work, 2);
    await taker.took(2);
    const outputs = [output('outqueue', out, 'x', true)];
    expect(taker.settle(0, 'ack', outputs)).to.deep.equal([{ state: 'unrouted', queue: 'out' }]);
    const held = taker.settle(1, 'ack', outputs, true);
    await scene.quiet();
    expect([held, scene.depth()?.unacked]).to.deep.equal([[], 2]);
    await scene.engine.bind({ kind: 'roundrobin', source: out, target: results });
    await all([held]);
    expect([held, scene.depth()?.unacked, scene.depth(results)?.ready]).to.deep.equal([DONE, 1, 1]);
    expect(scene.engine.counters.unrouted).to.equal(0);
  });

  it('goes on with what is held for a route when somebody else reads there', async () => {
    const scene = await chain();
    await scene.fill('a');
    const taker = new Taker(scene.session, work, 1);
    await taker.took(1);
    const held = taker.settle(0, 'ack', [output('outqueue', out, '{}', true)], true);
    await scene.node.systemProc({ name: 'p', from: [out], to: [], processor: '() => 1', options: { offset: '>' } });
    await all([held]);
    expect(held).to.deep.equal(DONE);
  });

  it('settles nothing twice, nor after the delivery was given back', async () => {
    const scene = await chain();
    await scene.fill('a');
    const taker = new Taker(scene.session, work, 1);
    await taker.took(1);
    const first = taker.settle(0, 'ack');
    expect(taker.settle(0, 'requeue'), 'while it is settled').to.deep.equal(GONE);
    await all([first]);
    expect([first, taker.settle(0, 'requeue')]).to.deep.equal([DONE, GONE]);
    await scene.fill('b');
    await taker.took(2);
    const held = taker.settle(1, 'ack', [output('outqueue', out, 'x', true)], true);
    taker.consumer.end();
    expect(held).to.deep.equal(GONE);
    expect(await new Taker(scene.session, work, 1).took(1)).to.deep.equal(['b*']);
  });

  it('lets a settlement that waits be withdrawn, and another one made', async () => {
    const scene = await chain();
    await scene.fill('a');
    const taker = new Taker(scene.session, work, 1);
    const [delivery] = (await taker.took(1)) && taker.deliveries;
    const settlement = { verdict: 'ack', outputs: [output('outqueue', out, 'x', true)], hold: true } as const;
    const waiting = taker.consumer.settle(delivery?.tag ?? 0, settlement, () => expect.fail('was withdrawn'));
    expect(waiting.waitsFor).to.equal('route');
    waiting.cancel();
    await taker.ack(0);
    await scene.engine.bind({ kind: 'pubsub', source: out, target: results });
    await scene.quiet();
    expect(scene.depth(results)).to.include({ ready: 0 });
  });

  it('carries out a requeue with its outputs', async () => {
    const scene = await chain();
    await scene.fill('a');
    const taker = new Taker(scene.session, work, 1);
    await taker.took(1);
    taker.consumer.pause();
    await all([taker.settle(0, 'requeue', [output('inqueue', results, 'x')])]);
    expect(scene.depth(results)).to.include({ ready: 1 });
    expect(await new Taker(scene.session, work, 1).took(1)).to.deep.equal(['a*']);
  });

  it('drops and counts what nobody takes unless it is mandatory, and shows it to who looks on', async () => {
    const scene = await chain();
    const seen: string[] = [];
    scene.session.tap(out, ({ body }) => seen.push(body.toString()));
    const sent = send(scene.session, output('outqueue', out, 'x'));
    await all([sent]);
    expect(sent).to.deep.equal(DONE);
    expect(scene.engine.counters.unrouted).to.equal(1);
    const mandatory = send(scene.session, output('outqueue', out, 'y', true));
    expect(mandatory).to.deep.equal([{ state: 'unrouted', queue: 'out' }]);
    expect(seen).to.deep.equal(['x', 'y']);
  });

  it('gives back in order what a session held that dies while it settles, all of it but what was settled', async () => {
    const scene = await chain();
    await scene.fill('a', 'b', 'c', 'd');
    const mortal = scene.engine.open({ id: 'mortal' });
    const taker = new Taker(mortal, work, 4);
    await taker.took(4);
    const settled = taker.settle(1, 'ack', [output('inqueue', results, 'x')]);
    mortal.end('died');
    await all([settled]);
    await scene.quiet();
    expect(settled).to.deep.equal(DONE);
    expect(scene.depth(results)).to.include({ ready: 1 });
    expect(await new Taker(scene.session, work, 10).took(3)).to.deep.equal(['a*', 'c*', 'd*']);
  });

  it('frees the place of what somebody else took away', async () => {
    const scene = await chain();
    await scene.fill('a', 'b');
    const taker = new Taker(scene.session, work, 1);
    await taker.took(1);
    await scene.node.ack('in:work');
    const late = taker.settle(0, 'ack', [output('inqueue', results, 'x')]);
    await all([late]);
    expect(late).to.deep.equal(GONE);
    expect(await taker.took(2)).to.deep.equal(['a', 'b']);
    expect(scene.depth(results)).to.include({ ready: 0 });
  });
});
