import { expect } from 'chai';
import { type EngineQueueOptions, QueueEngine, type QueueEngineOptions } from '../../src/engine/index.js';
import {
  type Batch,
  type CommitResult,
  DiskFullError,
  MemoryStore,
  openLogNode,
  StoreFailedError,
} from '../../src/log/index.js';
import { all, DONE, dead, eventually, GONE, lettersOf, output, q, Scene, send, Taker, work } from './scene.js';

const results = q('results');

/** Has no room, or fails for good, while it is told to. Answers in a later turn, as a disk does. */
class FullStore extends MemoryStore {
  isFull = false;
  /** As a disk that keeps room for what gives room back. */
  takesAcks = false;
  isBroken = false;
  refusals = 0;

  override async commit(batch: Batch): Promise<CommitResult> {
    const isRefused = this.isFull && !(this.takesAcks && !batch.records?.length);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isBroken) throw new StoreFailedError(this.folder, { cause: new Error('EIO') });
    if (isRefused) this.refusals += 1;
    if (isRefused) throw new DiskFullError(this.folder);
    return await super.commit(batch);
  }
}

describe('QueueEngine on a disk that is full', () => {
  let store: FullStore;
  let scene: Scene;
  let failures: unknown[];
  const open = async (options: QueueEngineOptions = {}, queue: Partial<EngineQueueOptions> = {}): Promise<void> => {
    store = new FullStore('full');
    failures = [];
    scene = await Scene.open(store, { onFailure: (error) => failures.push(error), ...options }, queue);
    await scene.session.declare('inqueue', results, { persistent: true });
  };
  afterEach(async () => {
    store.isFull = false;
    store.isBroken = false;
    await scene.close();
  });
  const turns = async (): Promise<void> => {
    for (let count = 0; count < 10; count++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('makes senders wait, those that come meanwhile too, and lets them go on in order', async () => {
    await open();
    store.isFull = true;
    const outcomes = scene.send('a', 'b');
    await turns();
    const later = scene.session.send(output('inqueue', work, 'c'), (outcome) => outcomes.push([outcome]));
    await turns();
    expect(outcomes).to.deep.equal([[], []]);
    expect(later.waitsFor).to.equal('room');
    await eventually(() => store.refusals === 3, 'the first to be tried again');
    await turns();
    store.isFull = false;
    await eventually(() => outcomes.length === 3, 'the last to go through');
    await scene.fill('d');
    expect(await new Taker(scene.session, work, 10).took(4)).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(failures).to.deep.equal([]);
  });

  it('keeps the order of who waited for room in a full inqueue before', async () => {
    await open({}, { maxLength: 2 });
    await scene.fill('1', '2');
    const outcomes = scene.send('3', '4', '5');
    store.isFull = true;
    const taker = new Taker(scene.session, work, 1);
    await turns();
    expect(outcomes).to.deep.equal([[], [], []]);
    store.isFull = false;
    for (const at of [0, 1, 2, 3, 4]) await taker.ack(at);
    expect(taker.texts).to.deep.equal(['1', '2', '3', '4', '5']);
  });

  it('makes settlements wait, and carries out each of them once', async () => {
    await open();
    await scene.fill('a', 'b', 'c');
    const taker = new Taker(scene.session, work, 3);
    await taker.took(3);
    store.isFull = true;
    const outcomes = [0, 1].map((at) => taker.settle(at, 'ack', [output('inqueue', results, `of ${at}`)]));
    const buried = taker.bury(2, 'dead');
    await turns();
    expect([outcomes, scene.depth()?.unacked]).to.deep.equal([[[], []], 3]);
    store.isFull = false;
    await all(outcomes);
    await buried;
    expect(outcomes).to.deep.equal([DONE, DONE]);
    expect(await new Taker(scene.session, results, 9).took(2)).to.deep.equal(['of 0', 'of 1']);
    expect(await lettersOf(scene.session.visit(work))).to.deep.equal(['dead']);
    expect(scene.depth()).to.include({ ready: 0, unacked: 0 });
  });

  it('lets what is only acknowledged through, past those who want room', async () => {
    await open();
    await scene.fill('a', 'b');
    const taker = new Taker(scene.session, work, 2);
    await taker.took(2);
    store.isFull = true;
    const first = taker.settle(0, 'ack');
    const sent = scene.send('c');
    await turns();
    expect([first, ...sent]).to.deep.equal([[], []]);
    store.takesAcks = true;
    await eventually(() => first.length === 1, 'the first to be acknowledged');
    await all([taker.settle(1, 'ack')]);
    expect(sent).to.deep.equal([[]]);
    store.isFull = false;
    await all(sent);
    expect(await taker.took(3)).to.deep.equal(['a', 'b', 'c']);
  });

  it('gives back all the same, once, and sends outputs of a requeue once', async () => {
    await open();
    await scene.fill('a', 'b');
    const taker = new Taker(scene.session, work, 2);
    await taker.took(2);
    taker.consumer.pause();
    store.isFull = true;
    const requeued = taker.settle(0, 'requeue');
    await all([requeued]);
    expect(requeued).to.deep.equal(DONE);
    const withOutput = taker.settle(1, 'requeue', [output('inqueue', results, 'x')]);
    await turns();
    store.isFull = false;
    await all([withOutput]);
    expect(await new Taker(scene.session, work, 5).took(2)).to.deep.equal(['a*', 'b*']);
    await scene.quiet();
    expect(scene.depth(results)).to.include({ ready: 1 });
  });

  it('gives back what a session held that dies while its settlement waits or is being written', async () => {
    await open();
    await scene.fill('a', 'b', 'c');
    const mortal = scene.engine.open({ id: 'mortal' });
    const taker = new Taker(mortal, work, 3);
    await taker.took(3);
    store.isFull = true;
    const waiting = taker.settle(1, 'ack', [output('inqueue', results, 'x')]);
    await turns();
    const writing = taker.settle(0, 'ack', [output('inqueue', results, 'y')]);
    mortal.end('died');
    await turns();
    expect([waiting, writing]).to.deep.equal([GONE, GONE]);
    const next = new Taker(scene.session, work, 9);
    expect(await next.took(3)).to.deep.equal(['a*', 'b*', 'c*']);
    expect(scene.depth(results)).to.include({ ready: 0 });
  });

  it('gives back what is being settled for the first time when its session dies', async () => {
    await open();
    await scene.fill('a');
    const mortal = scene.engine.open({ id: 'mortal' });
    const taker = new Taker(mortal, work, 1);
    await taker.took(1);
    store.isFull = true;
    const writing = taker.settle(0, 'ack', [output('inqueue', results, 'x')]);
    mortal.end('died');
    await all([writing]);
    expect(writing).to.deep.equal(GONE);
    expect(await new Taker(scene.session, work, 9).took(1)).to.deep.equal(['a*']);
  });

  it('keeps what waited too long until its dead letter can be written', async () => {
    await open({}, { ttlMs: 1 });
    store.isFull = true;
    const sent = scene.send('a');
    await turns();
    store.isFull = false;
    await all(sent);
    await eventually(() => scene.depth(dead)?.ready === 1, 'its dead letter');
  });

  it('has a letter still that could not be removed', async () => {
    await open();
    await scene.fill('a');
    await new Taker(scene.session, work, 1).bury(0, 'dead');
    const round = scene.session.visit(work);
    await round.next();
    store.isFull = true;
    const refused = await round.settle('remove').catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(DiskFullError);
    store.isFull = false;
    expect(await lettersOf(scene.session.visit(work))).to.deep.equal(['dead']);
  });

  it('refuses to declare, bind and subscribe, changes nothing, and does it when asked again', async () => {
    await open();
    const { engine, session } = scene;
    const binding = { kind: 'pubsub', source: work, target: results } as const;
    const calls = [
      () => session.declare('inqueue', q('new'), { persistent: true }),
      () => session.declare('outqueue', q('out'), { persistent: true }),
      () => engine.bind(binding),
      () => engine.subscribe(results, ['a']),
    ];
    store.isFull = true;
    for (const call of calls) expect(await call().catch((error: unknown) => error)).to.be.instanceOf(DiskFullError);
    expect(engine.bindings()).to.deep.equal([]);
    expect(scene.node.targets('a')).to.deep.equal([]);
    store.isFull = false;
    for (const call of calls) await call();
    expect(engine.bindings()).to.deep.equal([binding]);
    expect(store.list('app/queue/').map(([key]) => key)).to.include.members([
      'app/queue/inqueue/new',
      'app/queue/outqueue/out',
    ]);
    expect(scene.depth(q('new'))).to.include({ ready: 0 });
  });

  it('loses nothing and doubles nothing when there is room now and then', async function () {
    this.timeout(20_000);
    await open();
    const count = 300;
    const outcomes = scene.send(...Array.from({ length: count }, (_, n) => `${n}`));
    const consumer = scene.session.consume(work, 10, ({ tag, body }) => {
      const outputs = [output('inqueue', results, `${body}`)];
      queueMicrotask(() => consumer.settle(tag, { verdict: 'ack', outputs }, () => undefined));
    });
    let flips = 0;
    const flip = setInterval(() => {
      flips += 1;
      store.isFull = flips % 3 === 1;
    }, 40);
    await all(outcomes);
    await eventually(() => scene.depth(results)?.ready === count, 'all results');
    clearInterval(flip);
    store.isFull = false;
    const made = await new Taker(scene.session, results, count + 1).took(count);
    await scene.quiet();
    expect(made.map(Number)).to.have.members(Array.from({ length: count }, (_, n) => n));
  });

  it('starts on a disk that is full, with all that was there', async () => {
    await open();
    const owner = scene.engine.open({ id: 'passing' });
    await owner.declare('inqueue', q('passing'), { persistent: false });
    await scene.fill('a', 'b');
    const taker = new Taker(scene.session, work, 1);
    await taker.took(1);
    await new Promise((resolve) => setTimeout(resolve, 20)); // until it is written that it is out
    store.isFull = true;
    const again = await QueueEngine.open(openLogNode(store));
    expect(again.depths([work])[0]).to.include({ ready: 2, unacked: 0 });
    expect(again.depths([q('passing')])).to.deep.equal([]);
    await again.close();
  });

  it('goes on when who is answered or delivered to throws', async () => {
    await open();
    scene.session.send(output('inqueue', work, 'a'), () => {
      throw new Error('broken');
    });
    await scene.fill('b');
    const seen: string[] = [];
    const broken = scene.session.consume(work, 5, ({ body }) => {
      seen.push(body.toString());
      throw new Error('broken');
    });
    await eventually(() => seen.length === 2, 'both');
    broken.end();
    expect(await new Taker(scene.session, work, 5).took(2)).to.deep.equal(['a*', 'b*']);
  });

  it('says once and for all that the log has failed, and answers nobody', async () => {
    await open();
    await scene.fill('a');
    const taker = new Taker(scene.session, work, 1);
    await taker.took(1);
    store.isBroken = true;
    const outcomes = [...scene.send('b'), taker.settle(0, 'ack', [output('inqueue', results, 'x')])];
    await turns();
    expect(failures[0]).to.be.instanceOf(StoreFailedError);
    expect(failures).to.have.length(2);
    expect(outcomes).to.deep.equal([[], []]);
  });

  it('refuses what no log can take, and goes on', async () => {
    await open();
    for (const name of ['c1', 'c2', 'c3', 'c4', 'c5'])
      await scene.session.declare('inqueue', q(name), { persistent: true });
    await scene.session.declare('outqueue', q('out'), { persistent: true });
    for (const name of ['c1', 'c2', 'c3', 'c4', 'c5'])
      await scene.engine.bind({ kind: 'pubsub', source: q('out'), target: q(name) });
    const tooMuch = { ...output('outqueue', q('out'), ''), body: Buffer.alloc(64 * 1024 * 1024) };
    const outcome = send(scene.session, tooMuch);
    await all([outcome]);
    expect(outcome)
      .to.have.nested.property('[0].text')
      .that.includes(String(63 * 1024 * 1024));
    expect(outcome).to.have.nested.property('[0].state', 'refused');
    expect(failures).to.deep.equal([]);
    await all([send(scene.session, output('outqueue', q('out'), 'x'))]);
    expect(scene.depth(q('c5'))).to.include({ ready: 1 });
  });
});
