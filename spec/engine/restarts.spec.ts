import { expect } from 'chai';
import {
  all,
  dead,
  describeDurable,
  eventually,
  lettersOf,
  output,
  q,
  type Scene,
  send,
  Taker,
  work,
} from './scene.js';

const out = q('out');
const results = q('results');
const passing = q('passing');
const persistent = { persistent: true } as const;

describeDurable('restarts', (engines) => {
  const ways = [
    ['close and open', () => engines.reopen()],
    ['a crash', () => engines.crash()],
  ] as const;

  for (const [way, again] of ways)
    describe(`after ${way}`, () => {
      it('has its queues with their options, bindings, subscriptions and kept notices', async () => {
        let scene = await engines.open();
        await scene.session.declare('outqueue', out, persistent);
        await scene.session.declare('inqueue', results, { persistent: true, maxLength: 2, ttlMs: 60_000 });
        await scene.engine.bind({ kind: 'pubsub', source: out, target: work });
        await scene.engine.subscribe(results, ['a/#']);
        await scene.engine.notify({ name: 'n', body: Buffer.from([0, 255, 7]), retain: true });
        scene = await again();
        const { engine, session } = scene;
        expect(engine.bindings()).to.deep.equal([{ kind: 'pubsub', source: out, target: work }]);
        const outcomes = ['x', 'y', 'z'].map((text) => send(session, output('outqueue', q('a/b'), text)));
        await all(outcomes.slice(0, 2));
        await all([send(session, output('outqueue', out, 'bound'))]);
        await scene.quiet();
        expect(outcomes[2], 'its limit').to.deep.equal([]);
        expect(await new Taker(session, work, 1).took(1)).to.deep.equal(['bound']);
        const notices: string[] = [];
        session.watch('n', (body, retained) => notices.push(`${body.toString('hex')} ${retained}`));
        expect(notices).to.deep.equal(['00ff07 true']);
      });

      it('has what was ready and what was in hand, that redelivered and in its place', async () => {
        let scene = await engines.open();
        await scene.fill('a', 'b', 'c', 'd', 'e');
        const taker = new Taker(scene.session, work, 4);
        await taker.ack(1);
        await taker.took(5);
        await new Promise((resolve) => setTimeout(resolve, 40)); // what is in hand for a moment is not written
        await scene.quiet();
        scene = await again();
        expect(scene.depth()).to.include({ ready: 4, unacked: 0 });
        expect(await new Taker(scene.session, work, 10).took(4)).to.deep.equal(['a*', 'c*', 'd*', 'e*']);
      });

      it('has dead letters, also one that was being looked at, and keeps the newest still', async () => {
        const options = { maxDeadLetters: 3 };
        let scene = await engines.open(options);
        await scene.fill('a', 'b', 'c');
        const taker = new Taker(scene.session, work, 3);
        for (const at of [0, 1, 2]) await taker.bury(at, `dead ${at}`);
        await scene.session.visit(work).next();
        await scene.session.declare('inqueue', dead, persistent);
        scene = way === 'a crash' ? await engines.crash(options) : await engines.reopen(options);
        expect(await lettersOf(scene.session.visit(work))).to.deep.equal(['dead 0', 'dead 1', 'dead 2']);
        await scene.fill('d');
        await new Taker(scene.session, work, 1).bury(0, 'dead 3');
        await scene.quiet();
        expect(await lettersOf(scene.session.visit(work))).to.deep.equal(['dead 1', 'dead 2', 'dead 3']);
      });

      it('has no queue that was not persistent, nor what was in it, and lets it be declared anew', async () => {
        let scene = await engines.open();
        await scene.session.declare('outqueue', out, persistent);
        await scene.session.declare('inqueue', passing, { persistent: false });
        await scene.engine.bind({ kind: 'pubsub', source: out, target: passing });
        await all([send(scene.session, output('inqueue', passing, 'a'))]);
        scene = await again();
        expect(scene.depth(passing)).to.equal(undefined);
        expect(scene.engine.bindings()).to.deep.equal([]);
        expect(scene.node.topics().find(({ topic }) => topic === passing)?.length ?? 0).to.equal(0);
        expect(scene.node.listProcs().map(({ name }) => name)).to.have.members(['in:work', 'in:dead-work']);
        await scene.session.declare('inqueue', passing, { persistent: false, maxLength: 5 });
        await all([send(scene.session, output('inqueue', passing, 'b'))]);
        expect(await new Taker(scene.session, passing, 5).took(1)).to.deep.equal(['b']);
      });

      it('knows how many bytes wait', async () => {
        let scene = await engines.open();
        await scene.fill('1234567890');
        const queue = { maxBytes: 12 };
        scene = way === 'a crash' ? await engines.crash({}, queue) : await engines.reopen({}, queue);
        const outcomes = scene.send('12', '3');
        await scene.quiet();
        expect(outcomes.map(({ length }) => length)).to.deep.equal([1, 0]);
      });
    });

  it('takes the options of who declares a queue anew while nobody uses it, and keeps its messages', async () => {
    let scene = await engines.open({}, { maxLength: 1 });
    const waiting = scene.send('a', 'b');
    await scene.quiet();
    expect(waiting[1]).to.deep.equal([]);
    scene = await engines.reopen({}, { maxLength: 3 });
    await scene.fill('c', 'd');
    expect(await new Taker(scene.session, work, 5).took(3)).to.deep.equal(['a', 'c', 'd']);
    scene = await engines.reopen({}, { maxLength: 3, ttlMs: 1 });
    await eventually(() => scene.depth(dead)?.ready === 3, 'what is too old now');
  });

  it('lets in who waits when the queue gets another limit', async () => {
    let scene = await engines.open({}, { maxLength: 1 });
    await scene.session.declare('outqueue', out, persistent);
    await scene.engine.bind({ kind: 'pubsub', source: out, target: results }).catch(() => undefined);
    await scene.session.declare('inqueue', results, { persistent: true, maxLength: 1 });
    await scene.engine.bind({ kind: 'pubsub', source: out, target: results });
    scene = await engines.reopen({}, { maxLength: 1 });
    const outcomes = ['x', 'y', 'z'].map((text) => send(scene.session, output('outqueue', out, text)));
    await scene.quiet();
    expect(outcomes.map(({ length }) => length)).to.deep.equal([1, 0, 0]);
    await scene.session.declare('inqueue', results, { persistent: true, maxLength: 3 });
    await all(outcomes);
    expect(await new Taker(scene.session, results, 5).took(3)).to.deep.equal(['x', 'y', 'z']);
  });

  it('has of every settlement both its outputs and its verdict, or neither, wherever it stopped', async function () {
    this.timeout(30_000);
    const scene = await engines.open();
    await scene.session.declare('inqueue', results, persistent);
    const count = 300;
    await scene.fill(...Array.from({ length: count }, (_, n) => `${n}`));
    let settled = 0;
    const consumer = scene.session.consume(work, 7, ({ tag, body }) => {
      const outputs = [output('inqueue', results, `${body} left`), output('inqueue', results, `${body} right`)];
      queueMicrotask(() => consumer.settle(tag, { verdict: 'ack', outputs }, () => (settled += 1)));
    });
    const crashes: { readonly settled: number; readonly found: Scene }[] = [];
    while (settled < count) {
      crashes.push({ settled, found: await engines.crash() });
      await eventually(() => settled > (crashes.at(-1)?.settled ?? 0), 'some more');
    }
    for (let at = 0; at < 25; at++) {
      const found = await engines.crashAt(0.3 + 0.7 * Math.random());
      crashes.push({ settled: 0, found });
    }
    for (const { settled: before, found } of crashes) {
      const left = await texts(found, work);
      const made = await texts(found, results);
      await found.close();
      expect(made.length % 2).to.equal(0);
      expect(made.length / 2).to.be.at.least(before);
      const inputs = made.map((text) => text.split(' ')[0]);
      expect(new Set([...left, ...inputs]).size).to.equal(left.length + made.length / 2);
      if (before > 0 || made.length > 0) expect(left.length + made.length / 2).to.equal(count);
    }
  });
});

async function texts(scene: Scene, queue: typeof work): Promise<string[]> {
  const ready = scene.depth(queue)?.ready ?? 0;
  return (await new Taker(scene.session, queue, 10_000).took(ready)).map((text) => text.replace('*', ''));
}
