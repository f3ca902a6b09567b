import { expect } from 'chai';
import { all, describeEngines, eventually, output, q, send, Taker, work } from './scene.js';

const passing = q('passing');

describeEngines('queues that come and go at once', (engines) => {
  it('are there for all who declare them at once', async () => {
    const { engine } = await engines.open();
    const sessions = [1, 2, 3].map((n) => engine.open({ id: `s${n}` }));
    await Promise.all(
      sessions.map(async (session) => {
        await session.declare('inqueue', passing, { persistent: false });
        session.consume(passing, 1, () => undefined);
      }),
    );
    expect(engine.depths([passing])[0]).to.include({ consumers: 3 });
  });

  it('refuse who declares them otherwise meanwhile', async () => {
    const { engine } = await engines.open();
    const [one, other] = [engine.open({ id: 'one' }), engine.open({ id: 'other' })];
    const declared = one.declare('inqueue', passing, { persistent: false });
    const refused = other.declare('inqueue', passing, { persistent: true }).catch(({ refusal }) => refusal);
    await declared;
    expect(await refused).to.equal('mismatch');
  });

  it('are gone when who declared them ended before they were there', async () => {
    const { engine, node } = await engines.open();
    const owner = engine.open({ id: 'owner' });
    const declaring = owner.declare('inqueue', passing, { persistent: false });
    owner.end('died');
    await declaring;
    await eventually(() => !node.listProcs().some(({ topic }) => topic.includes(passing)), 'their procs to go');
    expect(engine.depths([passing, q('dead-passing')])).to.deep.equal([]);
    expect(node.facts.list('queue/inqueue/')).to.have.length(1);
  });

  it('stay when somebody else declares them just when they go, also over a restart', async () => {
    let scene = await engines.open();
    for (let round = 0; round < 5; round++) {
      const [one, other] = [scene.engine.open({ id: 'one' }), scene.engine.open({ id: 'other' })];
      await one.declare('inqueue', passing, { persistent: false });
      one.end('left');
      const late = scene.engine.open({ id: 'late' });
      await Promise.all([
        other.declare('inqueue', passing, { persistent: round === 4 }),
        late.declare('inqueue', q('dead-passing'), { persistent: round === 4 }),
      ]);
      const taker = new Taker(other, passing, 1);
      await all([send(scene.session, output('inqueue', passing, `${round}`))]);
      expect(await taker.took(1)).to.deep.equal([`${round}`]);
      const letters = new Taker(late, q('dead-passing'), 1);
      await taker.bury(0, 'dead');
      expect(await letters.took(1)).to.deep.equal(['dead']);
      await letters.ack(0);
      other.end('left');
      late.end('left');
    }
    await scene.quiet();
    if (!engines.isDurable) return;
    scene = await engines.reopen();
    expect(scene.engine.depths([passing, q('dead-passing')])).to.have.length(2);
  });

  it('take no binding or subscription of theirs along into another life', async () => {
    const scene = await engines.open();
    const { engine, node } = scene;
    const owner = engine.open({ id: 'owner' });
    await owner.declare('inqueue', passing, { persistent: false });
    const making = [engine.subscribe(passing, ['a']), engine.bind({ kind: 'pubsub', source: work, target: passing })];
    owner.end('left');
    await Promise.all(making);
    await scene.quiet();
    expect(engine.bindings()).to.deep.equal([]);
    expect(node.targets('a')).to.deep.equal([]);
    const late = engine.bind({ kind: 'pubsub', source: work, target: passing }).catch(({ refusal }) => refusal);
    expect(await late).to.equal('not-found');
  });

  it('are let go of while they are being taken from', async () => {
    const scene = await engines.open();
    const { engine, node } = scene;
    for (let round = 0; round < 20; round++) {
      const owner = engine.open({ id: 'owner' });
      await owner.declare('inqueue', passing, { persistent: false, ttlMs: 10_000 });
      await all(['a', 'b'].map((text) => send(scene.session, output('inqueue', passing, text))));
      const taker = new Taker(owner, passing, 1);
      if (round % 2 === 0) await taker.took(1);
      if (round % 4 === 0) taker.settle(0, 'ack', [output('inqueue', work, 'x')]);
      owner.end('died');
    }
    await scene.quiet();
    await eventually(() => node.listProcs().length === 2, 'all but two procs to go');
    expect(scene.depth()).to.include({ ready: 5 });
  });

  it('are quick to come back to: 50 consumers of 10,000 messages, each gone at once', async () => {
    const scene = await engines.open();
    const one = output('inqueue', work, 'x'.repeat(100));
    await all(Array.from({ length: 10_000 }, () => send(scene.session, one)));
    const beganMs = performance.now();
    for (let round = 0; round < 50; round++) {
      const session = scene.engine.open({ id: 'mortal' });
      await new Taker(session, work, 1000).took(1000);
      session.end('died');
    }
    expect(scene.depth()).to.include({ ready: 10_000, unacked: 0 });
    expect(performance.now() - beganMs).to.be.lessThan(8000);
  });
});
