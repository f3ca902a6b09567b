import { expect } from 'chai';
import type { EngineQueueOptions, QueueEngineOptions } from '../../src/engine/index.js';
import { readHeaders, writeHeaders } from '../../src/log/index.js';
import { all, DONE, dead, describeEngines, eventually, output, q, send, Taker, work } from './scene.js';

describeEngines('options of an inqueue', (engines) => {
  /** With a clock that a spec sets. */
  async function timed(queue: Partial<EngineQueueOptions>, options: QueueEngineOptions = {}) {
    const clock = { ms: 1000 };
    return { clock, scene: await engines.open({ nowMs: () => clock.ms, ...options }, queue) };
  }

  describe('ttlMs', () => {
    it('makes dead letters of what waited too long when somebody comes for it, and delivers the rest', async () => {
      const { clock, scene } = await timed({ ttlMs: 100 });
      await scene.fill('a', 'b');
      clock.ms += 60;
      await scene.fill('c');
      clock.ms += 40;
      expect(await new Taker(scene.session, work, 10).took(1)).to.deep.equal(['c']);
      expect(await new Taker(scene.session, dead, 10).took(2)).to.deep.equal(['a', 'b']);
      expect(scene.depth()).to.include({ ready: 0, unacked: 1 });
    });

    it('gives the dead letter the headers that it is told to', async () => {
      const expired = (inqueue: string, headers: Buffer) =>
        writeHeaders({ ...readHeaders(headers).headers, why: `expired in ${inqueue}` });
      const { clock, scene } = await timed({ ttlMs: 100 }, { expired });
      await all([send(scene.session, { ...output('inqueue', work, 'a'), headers: writeHeaders({ colour: 'red' }) })]);
      clock.ms += 100;
      scene.session.consume(work, 1, () => expect.fail('it is too old'));
      await eventually(() => scene.depth(dead)?.ready === 1, 'the dead letter');
      const letter = await scene.session.visit(work).next();
      expect(letter && readHeaders(letter.headers).headers).to.deep.equal({ colour: 'red', why: 'expired in work' });
    });

    it('counts from when it came, also for what was in hand meanwhile', async () => {
      const { clock, scene } = await timed({ ttlMs: 100 });
      await scene.fill('a');
      const taker = new Taker(scene.session, work, 1);
      await taker.took(1);
      clock.ms += 150;
      await all([taker.settle(0, 'requeue')]);
      expect(await new Taker(scene.session, dead, 1).took(1)).to.deep.equal(['a']);
      expect(taker.texts).to.deep.equal(['a']);
    });

    it('acts in time though nobody comes, also for what was given back before what is younger', async () => {
      const scene = await engines.open({}, { ttlMs: 60 });
      await scene.fill('a');
      const taker = new Taker(scene.session, work, 1);
      await scene.fill('b', 'c');
      taker.consumer.end();
      await eventually(() => scene.depth(dead)?.ready === 3, 'all to be dead letters');
      expect(scene.depth()).to.include({ ready: 0, unacked: 0 });
      expect(await new Taker(scene.session, dead, 3).took(3)).to.deep.equal(['a', 'b', 'c']);
    });

    it('looks again at what was given back while something younger was waited for', async () => {
      const scene = await engines.open({}, { ttlMs: 80 });
      await scene.fill('a');
      const taker = new Taker(scene.session, work, 1);
      await taker.took(1);
      await new Promise((resolve) => setTimeout(resolve, 60));
      await scene.fill('b');
      await scene.quiet();
      taker.consumer.end();
      await eventually(() => scene.depth(dead)?.ready, 'the older one');
      expect(await new Taker(scene.session, dead, 1).took(1)).to.deep.equal(['a']);
    });

    it('neither loses nor hurries anything when the clock goes back', async () => {
      const { clock, scene } = await timed({ ttlMs: 50 });
      await scene.fill('a');
      clock.ms -= 500;
      await scene.fill('b');
      await scene.quiet();
      expect(scene.depth()).to.include({ ready: 2 });
      clock.ms += 550;
      expect(await new Taker(scene.session, dead, 2).took(2)).to.deep.equal(['a', 'b']);
    });

    it('holds an expired one, and its share of the limit, while there is no room for its dead letter', async () => {
      const { clock, scene } = await timed({ ttlMs: 100, maxLength: 2 });
      const { engine, session } = scene;
      await session.declare('inqueue', q('morgue'), { persistent: true, maxLength: 1 });
      await engine.bind({ kind: 'pubsub', source: dead, target: q('morgue') });
      await all([send(session, output('inqueue', q('morgue'), 'in the way'))]);
      await scene.fill('a', 'b');
      clock.ms += 100;
      const taker = new Taker(session, work, 10);
      await eventually(() => scene.depth()?.unacked === 2, 'both to be on their way');
      expect([taker.texts, scene.depth()?.ready]).to.deep.equal([[], 0]);
      const letters = new Taker(session, q('morgue'), 10);
      expect(await letters.took(3)).to.deep.equal(['in the way', 'a', 'b']);
      await scene.fill('c');
      expect(await taker.took(1)).to.deep.equal(['c']);
      expect(scene.depth()).to.include({ ready: 0, unacked: 1 });
    });

    it('has no more than some on their way while there is no room, and goes on with the rest', async () => {
      const { clock, scene } = await timed({ ttlMs: 100 });
      const { engine, session } = scene;
      await session.declare('inqueue', q('morgue'), { persistent: true, maxLength: 1 });
      await engine.bind({ kind: 'pubsub', source: dead, target: q('morgue') });
      await scene.fill(...Array.from({ length: 2000 }, (_, n) => `${n}`));
      clock.ms += 100;
      const consumer = session.consume(work, 1, () => expect.fail('all are too old'));
      await scene.quiet();
      expect(scene.depth()?.unacked).to.be.within(1, 600);
      consumer.end();
      const morgue = new Taker(session, q('morgue'), 2000);
      expect((await morgue.took(2000)).at(-1)).to.equal('1999');
      expect(scene.depth()).to.include({ ready: 0, unacked: 0 });
    });
  });

  describe('maxLength and maxBytes', () => {
    it('make senders wait before the bound is passed, not after', async () => {
      const scene = await engines.open({}, { maxLength: 5, maxBytes: 10 });
      const outcomes = scene.send('1234', '5678', '90x', 'y');
      await scene.quiet();
      expect(outcomes).to.deep.equal([DONE, DONE, [], []]);
      const taker = new Taker(scene.session, work, 1);
      await scene.quiet();
      expect(scene.depth()?.ready).to.equal(3);
      for (const at of [0, 1, 2, 3]) await taker.ack(at);
      expect(taker.texts).to.deep.equal(['1234', '5678', '90x', 'y']);
    });

    it('let in what is more than that by itself when nothing is there', async () => {
      const scene = await engines.open({}, { maxLength: 2, maxBytes: 4 });
      const outcomes = scene.send('a', 'too much');
      await scene.quiet();
      expect(outcomes).to.deep.equal([DONE, []]);
      const taker = new Taker(scene.session, work, 1);
      await taker.ack(0);
      expect(await taker.took(2)).to.deep.equal(['a', 'too much']);
    });

    it('keep a settlement back until there is room for all of its outputs, or nothing is there', async () => {
      const scene = await engines.open({}, { maxLength: 2 });
      const first = q('first');
      await scene.session.declare('inqueue', first, { persistent: true });
      await all(['a', 'b'].map((text) => send(scene.session, output('inqueue', first, text))));
      const taker = new Taker(scene.session, first, 2);
      await taker.took(2);
      const three = ['x', 'y', 'z'].map((text) => output('inqueue', work, text));
      await all([taker.settle(0, 'ack', three)]);
      const held = taker.settle(1, 'ack', three.slice(0, 2));
      const reader = new Taker(scene.session, work, 2);
      await reader.took(2);
      await scene.quiet();
      expect(held, 'one is still there').to.deep.equal([]);
      await reader.ack(0);
      await all([held]);
      for (const at of [1, 2, 3, 4]) await reader.ack(at);
      expect(reader.texts).to.deep.equal(['x', 'y', 'z', 'x', 'y']);
    });

    it('are no more than the engine allows', async () => {
      const scene = await engines.open({ maxMessages: 1 }, { maxLength: 10 });
      const outcomes = scene.send('a', 'b');
      await scene.quiet();
      expect(outcomes).to.deep.equal([DONE, []]);
    });
  });

  it('are refused where they differ from what there is, and what there is stays', async () => {
    const scene = await engines.open({}, { ttlMs: 60_000, maxLength: 1 });
    const { session } = scene;
    const differing = [{ ttlMs: 200, maxLength: 1 }, { ttlMs: 60_000, maxLength: 2 }, { ttlMs: 60_000 }];
    for (const options of differing) {
      const refused: unknown = await session.declare('inqueue', work, { persistent: true, ...options }).catch((e) => e);
      expect(refused, JSON.stringify(options)).to.have.property('refusal', 'mismatch');
      expect(refused)
        .to.have.property('message')
        .that.matches(/asked for was/);
    }
    const forLetters = session.declare('inqueue', dead, { persistent: true, maxLength: 1 });
    expect(await forLetters.catch((e) => e), 'has limits of its own').to.have.property('refusal', 'mismatch');
    await session.declare('inqueue', dead, { persistent: true });
    const outcomes = scene.send('a', 'b');
    await scene.quiet();
    expect(outcomes).to.deep.equal([DONE, []]);
  });

  it('do not hinder a queue of the same name that comes after one that is gone', async () => {
    const { engine } = await engines.open();
    const owner = engine.open({ id: 'passing' });
    await owner.declare('inqueue', q('passing'), { persistent: false, ttlMs: 10 });
    owner.end('left');
    await engine.open({ id: 'next' }).declare('inqueue', q('passing'), { persistent: false, ttlMs: 20 });
  });

  it('make of its rates what came and what was settled, over the last second for who asks often', async () => {
    const { clock, scene } = await timed({});
    const taker = new Taker(scene.session, work, 1);
    clock.ms = 10_000;
    expect(scene.depth()).not.to.have.property('inPerSecond');
    await scene.fill('a', 'b', 'c', 'd');
    clock.ms = 10_100;
    expect(scene.depth(), 'over so short a time').not.to.have.property('inPerSecond');
    clock.ms = 10_500;
    expect(scene.depth()).to.include({ inPerSecond: 8, outPerSecond: 0 });
    await taker.ack(0);
    await taker.took(2);
    await all([taker.settle(1, 'requeue')]);
    clock.ms = 11_000;
    expect(scene.depth()).to.include({ inPerSecond: 4, outPerSecond: 1 });
    clock.ms = 11_500;
    expect(scene.depth(), 'the first half second counts no more').to.include({ inPerSecond: 0, outPerSecond: 1 });
    clock.ms = 22_500;
    expect(scene.depth(), 'for who asks seldom').to.include({ inPerSecond: 0, outPerSecond: 0 });
  });
});
