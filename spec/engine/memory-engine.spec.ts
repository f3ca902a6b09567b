import { expect } from 'chai';
import fc from 'fast-check';
import { MemoryEngine } from '../../src/engine/index.js';
import { output, q, send, Taker } from './scene.js';

const DONE = [{ state: 'done' }];
const work = q('work');
const results = q('results');

describe('MemoryEngine', () => {
  function scene(options = {}) {
    const engine = new MemoryEngine(options);
    const session = engine.open({ id: 'owner' });
    session.declare('inqueue', work, { persistent: true });
    const fill = (...texts: string[]) => texts.map((text) => send(session, output('inqueue', work, text)));
    const depth = (name = work) => engine.depths([name])[0];
    return { engine, session, fill, depth };
  }

  describe('order', () => {
    it('puts what a gone consumer held back where it stood, in order', () => {
      const { engine, session, fill } = scene();
      const mortal = engine.open({ id: 'mortal' });
      const first = new Taker(mortal, work, 3);
      fill('a', 'b', 'c', 'd');
      first.settle(1, 'ack');
      mortal.end('died');
      expect(new Taker(session, work, 10).texts).to.deep.equal(['a*', 'c*', 'd*']);
    });

    it('puts a requeued message back before those that came after it', () => {
      const { session, fill } = scene();
      const taker = new Taker(session, work, 2);
      fill('a', 'b', 'c');
      taker.consumer.pause();
      taker.settle(1, 'requeue');
      taker.settle(0, 'requeue');
      expect(new Taker(session, work, 10).texts).to.deep.equal(['a*', 'b*', 'c']);
    });

    it('hands messages to consumers in turn, passing over those with a full window', () => {
      const { session, fill } = scene();
      const takers = [new Taker(session, work, 1), new Taker(session, work, 3)];
      fill('a', 'b', 'c', 'd', 'e');
      expect(takers.map((taker) => taker.deliveries.length)).to.deep.equal([1, 3]);
    });

    it('neither loses nor doubles nor reorders, whatever consumers do', () => {
      type Step = { readonly act: 'send' | 'ack' | 'requeue' | 'die'; readonly pick: number };
      const step = fc.record({
        act: fc.constantFrom<Step['act']>('send', 'send', 'ack', 'requeue', 'die'),
        pick: fc.nat({ max: 5 }),
      });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, prefetch) => {
          const { engine, session, depth } = scene();
          let sent = 0;
          const acked: number[] = [];
          let mortal = engine.open({ id: 'mortal' });
          let taker = new Taker(mortal, work, prefetch);
          for (const { act, pick } of steps) {
            const at = taker.deliveries.length - 1 - pick;
            if (act === 'send') {
              send(session, output('inqueue', work, `${sent}`));
              sent += 1;
            } else if (act === 'die') {
              mortal.end('died');
              mortal = engine.open({ id: 'mortal' });
              taker = new Taker(mortal, work, prefetch);
            } else if (taker.settle(at, act)[0]?.state === 'done' && act === 'ack') {
              acked.push(Number(taker.deliveries[at]?.body));
            }
            expect(depth()?.unacked).to.be.at.most(prefetch);
          }
          mortal.end('died');
          const rest = new Taker(session, work, 1000).deliveries.map(({ body }) => Number(body));
          expect(rest).to.deep.equal([...rest].sort((a, b) => a - b));
          expect([...acked, ...rest].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: sent }, (_, n) => n));
        }),
      );
    });
  });

  describe('bounds', () => {
    it('makes senders to a full inqueue wait, and lets them in in order', () => {
      const { session, fill, depth } = scene({ maxMessages: 2 });
      const outcomes = fill('a', 'b', 'c', 'd');
      expect(outcomes).to.deep.equal([DONE, DONE, [], []]);
      const taker = new Taker(session, work, 1);
      expect(outcomes).to.deep.equal([DONE, DONE, DONE, []]);
      for (const at of [0, 1, 2, 3]) taker.settle(at, 'ack');
      expect(taker.texts).to.deep.equal(['a', 'b', 'c', 'd']);
      expect(outcomes[3]).to.deep.equal(DONE);
      expect(depth()).to.include({ ready: 0, unacked: 0 });
    });

    it('lets nobody overtake those who wait, not even who sends the moment it was let in', () => {
      const { session, fill } = scene({ maxMessages: 2 });
      fill('a', 'b');
      session.send(output('inqueue', work, 'c'), () => send(session, output('inqueue', work, 'e')));
      fill('d');
      const taker = new Taker(session, work, 2);
      for (const at of [0, 1, 2, 3, 4]) taker.settle(at, 'ack');
      expect(taker.texts).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    });

    it('counts bytes as well', () => {
      const { fill } = scene({ maxBytes: 10 });
      expect(fill('12345', '67890', 'x')).to.deep.equal([DONE, DONE, []]);
    });

    it('forgets a waiting send that is withdrawn, and ends those of a session that ends', () => {
      const { engine, session, fill, depth } = scene({ maxMessages: 1 });
      fill('a');
      const withdrawn = session.send(output('inqueue', work, 'b'), () => expect.fail('was withdrawn'));
      expect(withdrawn.waitsFor).to.equal('room');
      withdrawn.cancel();
      const leaving = engine.open({ id: 'leaving' });
      const left = send(leaving, output('inqueue', work, 'c'));
      leaving.end('left');
      expect(left).to.deep.equal([{ state: 'gone' }]);
      expect(new Taker(session, work, 10).texts).to.deep.equal(['a']);
      expect(depth()).to.include({ ready: 0 });
    });

    it('keeps the newest dead letters and counts those it dropped', () => {
      const { engine, session, fill } = scene({ maxDeadLetters: 2 });
      const taker = new Taker(session, work, 3);
      fill('a', 'b', 'c');
      for (const at of [0, 1, 2]) taker.bury(at, `dead ${at}`);
      expect(engine.counters.deadDropped).to.equal(1);
      expect(new Taker(session, q('dead-work'), 10).texts).to.deep.equal(['dead 1', 'dead 2']);
    });
  });

  describe('settling', () => {
    function chain(options = {}) {
      const made = scene(options);
      made.session.declare('outqueue', q('out'), { persistent: true });
      made.session.declare('inqueue', results, { persistent: true });
      return made;
    }

    it('does nothing at all while one target is full, then everything at once', () => {
      const { engine, session, fill, depth } = chain({ maxMessages: 1 });
      session.declare('inqueue', q('other'), { persistent: true });
      engine.bind({ kind: 'pubsub', source: q('out'), target: results });
      send(session, output('inqueue', results, 'in the way'));
      fill('a');
      const taker = new Taker(session, work, 1);
      const outcomes = taker.settle(0, 'ack', [output('inqueue', q('other'), 'x'), output('outqueue', q('out'), 'y')]);
      expect(outcomes).to.deep.equal([]);
      expect([depth()?.unacked, depth(q('other'))?.ready]).to.deep.equal([1, 0]);
      const reader = new Taker(session, results, 2);
      expect(outcomes).to.deep.equal(DONE);
      expect(reader.texts).to.deep.equal(['in the way', 'y']);
      expect([depth()?.unacked, depth(q('other'))?.ready]).to.deep.equal([0, 1]);
    });

    it('leaves the delivery unsettled while a mandatory output has no taker: holds it, or says unrouted', () => {
      const { engine, session, fill, depth } = chain();
      fill('a', 'b');
      const taker = new Taker(session, work, 2);
      const outputs = [output('outqueue', q('out'), 'x', true)];
      expect(taker.settle(0, 'ack', outputs)).to.deep.equal([{ state: 'unrouted', queue: 'out' }]);
      const held = taker.settle(1, 'ack', outputs, true);
      expect([held, depth()?.unacked]).to.deep.equal([[], 2]);
      engine.bind({ kind: 'roundrobin', source: q('out'), target: results });
      expect([held, depth()?.unacked, depth(results)?.ready]).to.deep.equal([DONE, 1, 1]);
    });

    it('settles nothing twice, nor after the delivery was given back', () => {
      const { session, fill } = chain();
      fill('a');
      const taker = new Taker(session, work, 1);
      expect(taker.settle(0, 'ack')).to.deep.equal(DONE);
      expect(taker.settle(0, 'requeue')).to.deep.equal([{ state: 'gone' }]);
      fill('b');
      const held = taker.settle(1, 'ack', [output('outqueue', q('out'), 'x', true)], true);
      taker.consumer.end();
      expect(held).to.deep.equal([{ state: 'gone' }]);
      expect(new Taker(session, work, 1).texts).to.deep.equal(['b*']);
    });

    it('drops and counts what nobody takes unless it is mandatory', () => {
      const { engine, session } = chain();
      expect(send(session, output('outqueue', q('out'), 'x'))).to.deep.equal(DONE);
      expect(engine.counters.unrouted).to.equal(1);
    });
  });

  describe('queues', () => {
    it('delivers once over two bindings of one pair, and until the last of them is gone', () => {
      const { engine, session } = scene();
      session.declare('outqueue', q('out'), { persistent: true });
      const pair = { source: q('out'), target: work };
      engine.bind({ kind: 'pubsub', ...pair });
      engine.bind({ kind: 'roundrobin', ...pair });
      send(session, output('outqueue', q('out'), 'a'));
      engine.unbind({ kind: 'pubsub', ...pair });
      send(session, output('outqueue', q('out'), 'b'));
      engine.unbind({ kind: 'roundrobin', ...pair });
      send(session, output('outqueue', q('out'), 'c'));
      expect(new Taker(session, work, 10).texts).to.deep.equal(['a', 'b']);
    });

    it('takes a passing queue and its bindings away with the last user, also one that only consumes', () => {
      const { engine, session } = scene();
      const [owner, user] = [engine.open({ id: 'owner' }), engine.open({ id: 'user' })];
      owner.declare('inqueue', q('passing'), { persistent: false });
      session.declare('outqueue', q('out'), { persistent: true });
      engine.bind({ kind: 'pubsub', source: q('out'), target: q('passing') });
      new Taker(user, q('passing'), 1);
      owner.end('left');
      expect(engine.bindings()).to.have.length(1);
      user.end('died');
      expect(engine.depths([q('passing'), q('dead-passing')])).to.deep.equal([]);
      expect(engine.bindings()).to.deep.equal([]);
    });

    it('keeps the dead letters of a passing queue that is gone', () => {
      const { engine, session } = scene();
      const owner = engine.open({ id: 'owner' });
      owner.declare('inqueue', q('passing'), { persistent: false });
      send(session, output('inqueue', q('passing'), 'a'));
      new Taker(owner, q('passing'), 1).bury(0, 'dead');
      owner.end('left');
      expect(engine.depths([q('dead-passing')])[0]).to.include({ ready: 1 });
    });

    it('stays quick with a long queue: 300,000 messages through in one go', function () {
      this.timeout(20_000);
      const { session } = scene({ maxMessages: 300_000 });
      const one = output('inqueue', work, 'x'.repeat(100));
      for (let sent = 0; sent < 300_000; sent += 1) session.send(one, () => undefined);
      let taken = 0;
      const tags: number[] = [];
      const consumer = session.consume(work, 100, ({ tag }) => {
        taken += 1;
        tags.push(tag);
      });
      const ack = { verdict: 'ack', outputs: [] } as const;
      for (let tag = tags.pop(); tag !== undefined; tag = tags.pop()) consumer.settle(tag, ack, () => undefined);
      expect(taken).to.equal(300_000);
    });
  });
});
