import { expect } from 'chai';
import { all, DONE, dead, describeEngines, eventually, output, q, type Scene, send, Taker, work } from './scene.js';

const out = q('out');
const passing = q('passing');
const persistent = { persistent: true } as const;

describeEngines('queues', (engines) => {
  const refusalOf = (refused: Promise<unknown>): Promise<unknown> => refused.catch(({ refusal }) => refusal);

  it('delivers once over two bindings of one pair, and until the last of them is gone', async () => {
    const { engine, session } = await engines.open();
    await session.declare('outqueue', out, persistent);
    const pair = { source: out, target: work };
    const say = (text: string): Promise<void> => all([send(session, output('outqueue', out, text))]);
    await engine.bind({ kind: 'pubsub', ...pair });
    await engine.bind({ kind: 'roundrobin', ...pair });
    await say('a');
    await engine.unbind({ kind: 'pubsub', ...pair });
    await say('b');
    await engine.unbind({ kind: 'roundrobin', ...pair });
    await say('c');
    const taker = new Taker(session, work, 10);
    expect(await taker.took(2)).to.deep.equal(['a', 'b']);
    expect(engine.counters.unrouted).to.equal(1);
  });

  it('refuses to bind or consume what is not there', async () => {
    const { engine, session } = await engines.open();
    expect(await refusalOf(engine.bind({ kind: 'pubsub', source: out, target: work }))).to.equal('not-found');
    await session.declare('outqueue', out, persistent);
    expect(await refusalOf(engine.bind({ kind: 'pubsub', source: out, target: passing }))).to.equal('not-found');
    expect(await refusalOf(engine.subscribe(passing, ['#']))).to.equal('not-found');
    expect(() => session.consume(passing, 1, () => undefined)).to.throw('no such inqueue');
  });

  it('takes a passing queue and its bindings away with the last user, also one that only consumes', async () => {
    const { engine, node, session } = await engines.open();
    const [owner, user] = [engine.open({ id: 'owner' }), engine.open({ id: 'user' })];
    await owner.declare('inqueue', passing, { persistent: false });
    await session.declare('outqueue', out, persistent);
    await engine.bind({ kind: 'pubsub', source: out, target: passing });
    await engine.subscribe(passing, ['out/#']);
    new Taker(user, passing, 1);
    owner.end('left');
    expect(engine.bindings()).to.have.length(1);
    user.end('died');
    expect(engine.depths([passing])).to.deep.equal([]);
    await eventually(() => node.listProcs().length === 2, 'its proc and that of its dead letters to go');
    expect(engine.depths([q('dead-passing')])).to.deep.equal([]);
    expect(engine.bindings()).to.deep.equal([]);
    expect(node.subscription(passing)).to.deep.equal([]);
    expect(node.facts.list('queue/').map(([key]) => key)).to.deep.equal(['queue/inqueue/work', 'queue/outqueue/out']);
  });

  it('keeps the dead letters of a passing queue that is gone', async () => {
    const { engine, session } = await engines.open();
    const owner = engine.open({ id: 'owner' });
    await owner.declare('inqueue', passing, { persistent: false });
    await all([send(session, output('inqueue', passing, 'a'))]);
    await new Taker(owner, passing, 1).bury(0, 'dead');
    owner.end('left');
    expect(engine.depths([q('dead-passing')])[0]).to.include({ ready: 1 });
  });

  it('keeps dead letters when who declared their place for a while has gone', async () => {
    const scene = await engines.open();
    await scene.fill('a');
    await new Taker(scene.session, work, 1).bury(0, 'dead');
    const reader = scene.engine.open({ id: 'reader' });
    await reader.declare('inqueue', dead, { persistent: false });
    reader.end('left');
    await scene.quiet();
    expect(scene.depth(dead)).to.include({ ready: 1 });
  });

  it('lets a passing inqueue go without the outqueue of its name', async () => {
    const scene = await engines.open();
    await scene.session.declare('outqueue', passing, persistent);
    const owner = scene.engine.open({ id: 'owner' });
    await owner.declare('inqueue', passing, { persistent: false });
    await scene.engine.bind({ kind: 'pubsub', source: passing, target: work });
    owner.end('left');
    await scene.quiet();
    expect(scene.engine.bindings()).to.have.length(1);
    expect(scene.node.facts.list('queue/outqueue/')).to.have.length(1);
  });

  it('gives copies of what filters match to a subscribed inqueue, saying where it came', async () => {
    const { engine, session } = await engines.open();
    await session.declare('outqueue', q('a/b'), persistent);
    await engine.subscribe(work, ['a/+']);
    await all([send(session, output('outqueue', q('a/b'), 'x')), send(session, output('outqueue', q('a/b/c'), 'y'))]);
    const taker = new Taker(session, work, 5);
    await taker.took(1);
    expect(taker.deliveries[0]).to.include({ source: 'a/b', redelivered: false });
    await engine.subscribe(work, []);
    await all([send(session, output('outqueue', q('a/b'), 'z'))]);
    expect(taker.texts).to.deep.equal(['x']);
  });

  it('holds back who sends to what a full inqueue is subscribed to, until it is no more', async () => {
    const scene = await engines.open({ maxMessages: 1 });
    await scene.engine.subscribe(work, ['a']);
    const outcomes = ['x', 'y'].map((text) => send(scene.session, output('outqueue', q('a'), text)));
    await scene.quiet();
    expect(outcomes).to.deep.equal([DONE, []]);
    await new Taker(scene.session, work, 1).took(1);
    await all(outcomes);
  });

  it('lets who waits for room go on when the full inqueue is gone, or its binding', async () => {
    const scene = await engines.open({ maxMessages: 1 });
    const { engine, session } = scene;
    await session.declare('outqueue', out, persistent);
    const owner = engine.open({ id: 'owner' });
    await owner.declare('inqueue', passing, { persistent: false });
    await engine.bind({ kind: 'pubsub', source: out, target: passing });
    const outcomes = ['x', 'y'].map((text) => send(session, output('outqueue', out, text)));
    await all(outcomes.slice(0, 1));
    owner.end('left');
    await all(outcomes);
    await engine.bind({ kind: 'pubsub', source: out, target: work });
    const more = ['x', 'y'].map((text) => send(session, output('outqueue', out, text)));
    await all(more.slice(0, 1));
    await engine.unbind({ kind: 'pubsub', source: out, target: work });
    await all(more);
    expect(more).to.deep.equal([DONE, DONE]);
  });

  it('shows every watcher a notice, and later ones what is kept of it, until that is cleared', async () => {
    const { engine, session } = await engines.open();
    const seen: string[] = [];
    const watch = () => session.watch('n', (body, retained) => seen.push(`${body}${retained ? ' kept' : ''}`));
    watch();
    await engine.notify({ name: 'n', body: Buffer.from('a'), retain: true });
    watch()();
    await engine.notify({ name: 'n', body: Buffer.from('b'), retain: false });
    await engine.notify({ name: 'n', body: Buffer.alloc(0), retain: true });
    watch();
    expect(seen).to.deep.equal(['a', 'a kept', 'b', '']);
  });

  it('publishes last words of who dies, and makes records of notices that are topics', async () => {
    const scene = await engines.open({ noticeTopics: ['words'] });
    const { engine, session, node } = scene;
    const seen: string[] = [];
    session.watch('words', (body) => seen.push(body.toString()));
    engine.open({ id: 'a', lastWords: { name: 'words', body: Buffer.from('a'), retain: false } }).end('died');
    engine.open({ id: 'b', lastWords: { name: 'words', body: Buffer.from('b'), retain: false } }).end('left');
    await node.commit([{ topic: 'words', body: Buffer.from('c') }]);
    await eventually(() => seen.length === 2, 'both');
    expect(seen).to.deep.equal(['a', 'c']);
  });

  it('stays quick with a long queue: 100,000 messages through in one go', async function () {
    this.timeout(30_000);
    const count = engines.isDurable ? 30_000 : 100_000;
    const scene = await engines.open({ maxMessages: count });
    const one = output('inqueue', work, 'x'.repeat(100));
    await new Promise<void>((resolve) => {
      let left = count;
      for (let sent = 0; sent < count; sent += 1)
        scene.session.send(one, () => {
          left -= 1;
          if (left === 0) resolve();
        });
    });
    expect(scene.depth()).to.include({ ready: count });
    await consumeAll(scene, count);
    expect(scene.depth()).to.include({ ready: 0, unacked: 0 });
  });
});

async function consumeAll({ session }: Scene, count: number): Promise<void> {
  const ack = { verdict: 'ack', outputs: [] } as const;
  await new Promise<void>((resolve) => {
    let settled = 0;
    const done = (): void => {
      settled += 1;
      if (settled === count) resolve();
    };
    const consumer = session.consume(work, 100, ({ tag }) => queueMicrotask(() => consumer.settle(tag, ack, done)));
  });
}
