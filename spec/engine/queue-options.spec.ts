import { expect } from 'chai';
import { MemoryEngine, type MemoryEngineOptions } from '../../src/engine/index.js';
import { eventually } from '../transport/conformance/stage.js';
import { output, q, send, Taker } from './scene.js';

const DONE = [{ state: 'done' }];
const work = q('work');
const dead = q('dead-work');

/** An engine whose clock a spec sets. */
function scene(queue: { ttlMs?: number; maxLength?: number; maxBytes?: number }, options: MemoryEngineOptions = {}) {
  const clock = { ms: 0 };
  const engine = new MemoryEngine({ nowMs: () => clock.ms, ...options });
  const session = engine.open({ id: 'owner' });
  session.declare('inqueue', work, { persistent: true, ...queue });
  const fill = (...texts: string[]) => texts.map((text) => send(session, output('inqueue', work, text)));
  const depth = (name = work) => engine.depths([name])[0];
  return { clock, engine, session, fill, depth };
}

describe('options of an inqueue in the MemoryEngine', () => {
  describe('ttlMs', () => {
    it('makes dead letters of what waited too long when somebody comes for it, and delivers the rest', () => {
      const { clock, session, fill, depth } = scene({ ttlMs: 100 });
      fill('a', 'b');
      clock.ms = 60;
      fill('c');
      clock.ms = 100;
      expect(new Taker(session, work, 10).texts).to.deep.equal(['c']);
      expect(new Taker(session, dead, 10).texts).to.deep.equal(['a', 'b']);
      expect(depth()).to.include({ ready: 0, unacked: 1 });
    });

    it('gives the dead letter the headers that it is told to', async () => {
      const expired = (inqueue: string, headers: object) => ({ ...headers, why: `expired in ${inqueue}` });
      const { clock, session } = scene({ ttlMs: 100 }, { expired });
      send(session, { ...output('inqueue', work, 'a'), headers: { colour: 'red' } });
      clock.ms = 100;
      session.consume(work, 1, () => expect.fail('it is too old'));
      expect((await session.visit(work).next())?.headers).to.deep.equal({ colour: 'red', why: 'expired in work' });
    });

    it('counts from when it came, also for what was in hand meanwhile', () => {
      const { clock, session, fill } = scene({ ttlMs: 100 });
      fill('a');
      const taker = new Taker(session, work, 1);
      clock.ms = 150;
      expect(taker.settle(0, 'requeue')).to.deep.equal(DONE);
      expect(taker.texts).to.deep.equal(['a']);
      expect(new Taker(session, dead, 1).texts).to.deep.equal(['a']);
    });

    it('acts in time though nobody comes, also for what was given back before what is younger', async () => {
      const { session, fill, depth } = scene({ ttlMs: 60 }, { nowMs: () => performance.now() });
      fill('a');
      const taker = new Taker(session, work, 1);
      fill('b', 'c');
      taker.consumer.end();
      await eventually(() => depth(dead)?.ready === 3, 'all to be dead letters');
      expect(depth()).to.include({ ready: 0, unacked: 0 });
      expect(new Taker(session, dead, 3).texts).to.deep.equal(['a', 'b', 'c']);
    });

    it('holds an expired one, and its share of the limit, while there is no room for its dead letter', () => {
      const { clock, engine, session, fill, depth } = scene({ ttlMs: 100, maxLength: 2 });
      session.declare('inqueue', q('morgue'), { persistent: true, maxLength: 1 });
      engine.bind({ kind: 'pubsub', source: dead, target: q('morgue') });
      send(session, output('inqueue', q('morgue'), 'in the way'));
      fill('a', 'b');
      clock.ms = 100;
      const taker = new Taker(session, work, 10);
      expect([taker.texts, fill('c')]).to.deep.equal([[], [[]]]);
      expect(depth()).to.include({ ready: 0, unacked: 2 });
      const letters = new Taker(session, q('morgue'), 10);
      expect(letters.texts).to.deep.equal(['in the way', 'a', 'b']);
      expect(taker.texts).to.deep.equal(['c']);
      expect(depth()).to.include({ ready: 0, unacked: 1 });
    });
  });

  describe('maxLength and maxBytes', () => {
    it('make senders wait before the bound is passed, not after', () => {
      const { session, fill, depth } = scene({ maxLength: 5, maxBytes: 10 });
      expect(fill('1234', '5678', '90x', 'y')).to.deep.equal([DONE, DONE, [], []]);
      const taker = new Taker(session, work, 1);
      expect(depth()?.ready).to.equal(3);
      for (const at of [0, 1, 2, 3]) taker.settle(at, 'ack');
      expect(taker.texts).to.deep.equal(['1234', '5678', '90x', 'y']);
    });

    it('let in what is more than that by itself when nothing is there', () => {
      const { session, fill } = scene({ maxLength: 2, maxBytes: 4 });
      expect(fill('a', 'too much')).to.deep.equal([DONE, []]);
      const taker = new Taker(session, work, 1);
      taker.settle(0, 'ack');
      expect(taker.texts).to.deep.equal(['a', 'too much']);
    });

    it('keep a settlement back until there is room for all of its outputs, or nothing is there', () => {
      const { session } = scene({ maxLength: 2 });
      session.declare('inqueue', q('first'), { persistent: true });
      for (const text of ['a', 'b']) send(session, output('inqueue', q('first'), text));
      const taker = new Taker(session, q('first'), 2);
      const three = ['x', 'y', 'z'].map((text) => output('inqueue', work, text));
      expect(taker.settle(0, 'ack', three)).to.deep.equal(DONE);
      const held = taker.settle(1, 'ack', three.slice(0, 2));
      const reader = new Taker(session, work, 2);
      expect(held, 'one is still there').to.deep.equal([]);
      reader.settle(0, 'ack');
      expect(held).to.deep.equal(DONE);
      for (const at of [1, 2, 3, 4]) reader.settle(at, 'ack');
      expect(reader.texts).to.deep.equal(['x', 'y', 'z', 'x', 'y']);
    });

    it('are no more than the engine allows', () => {
      const { fill } = scene({ maxLength: 10 }, { maxMessages: 1 });
      expect(fill('a', 'b')).to.deep.equal([DONE, []]);
    });
  });

  it('are refused where they differ from what there is, and what there is stays', async () => {
    const { session, fill } = scene({ ttlMs: 100, maxLength: 1 });
    const differing = [{ ttlMs: 200, maxLength: 1 }, { ttlMs: 100, maxLength: 2 }, { ttlMs: 100 }];
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
    expect(fill('a', 'b')).to.deep.equal([DONE, []]);
  });

  it('do not hinder a queue of the same name that comes after one that is gone', () => {
    const { engine } = scene({});
    const owner = engine.open({ id: 'passing' });
    owner.declare('inqueue', q('passing'), { persistent: false, ttlMs: 10 });
    owner.end('left');
    engine.open({ id: 'next' }).declare('inqueue', q('passing'), { persistent: false, ttlMs: 20 });
  });
});

describe('rates of an inqueue in the MemoryEngine', () => {
  it('are what came and what was settled, over the last second for who asks often', () => {
    const { clock, session, fill, depth } = scene({});
    const taker = new Taker(session, work, 1);
    expect(depth()).not.to.have.property('inPerSecond');
    fill('a', 'b', 'c', 'd');
    clock.ms = 100;
    expect(depth(), 'over so short a time').not.to.have.property('inPerSecond');
    clock.ms = 500;
    expect(depth()).to.include({ inPerSecond: 8, outPerSecond: 0 });
    taker.settle(0, 'ack');
    taker.settle(1, 'requeue');
    clock.ms = 1000;
    expect(depth()).to.include({ inPerSecond: 4, outPerSecond: 1 });
    clock.ms = 1500;
    expect(depth(), 'the first half second counts no more').to.include({ inPerSecond: 0, outPerSecond: 1 });
    clock.ms = 11_500;
    expect(depth(), 'for who asks seldom').to.include({ inPerSecond: 0, outPerSecond: 0 });
  });
});
