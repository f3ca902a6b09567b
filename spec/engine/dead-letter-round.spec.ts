import { expect } from 'chai';
import fc from 'fast-check';
import type { EngineRound } from '../../src/engine/index.js';
import { dead, describeEngines, type Harness, lettersOf, q, type Scene, Taker, work } from './scene.js';

describeEngines('a round over dead letters', (engines) => {
  const text = async (round: EngineRound): Promise<string | undefined> => (await round.next())?.body.toString();

  it('leaves out what comes meanwhile, so that it ends', async () => {
    const { session, bury } = await buried(engines, 'a', 'b');
    const round = session.visit(work);
    expect(await text(round)).to.equal('a');
    await bury('c');
    expect(await lettersOf(round)).to.deep.equal(['b']);
    expect(await lettersOf(session.visit(work))).to.deep.equal(['a', 'b', 'c']);
  });

  it('has the letter that it shows to itself, from consumers too, until it is kept', async () => {
    const { scene, session } = await buried(engines, 'a', 'b', 'c');
    const looker = scene.engine.open({ id: 'looker' });
    const round = looker.visit(work);
    expect(await text(round)).to.equal('a');
    expect(scene.depth(dead)).to.include({ ready: 2, unacked: 1 });
    expect(await text(session.visit(work)), 'another round').to.equal('b');
    const taker = new Taker(session, dead, 10);
    await scene.quiet();
    expect(taker.texts).to.deep.equal(['c']);
    looker.end('died');
    expect(await taker.took(2), 'seen is not redelivered').to.deep.equal(['c', 'a']);
    expect(await text(round), 'of a session that is gone').to.equal(undefined);
    expect(await text(looker.visit(work)), 'begun by it later').to.equal(undefined);
  });

  it('gives back what it was about to show when it ends', async () => {
    const { scene, session } = await buried(engines, 'a');
    const round = session.visit(work);
    const showing = round.next();
    round.end();
    expect(await showing).to.equal(undefined);
    expect(scene.depth(dead)).to.include({ ready: 1, unacked: 0 });
  });

  it('removes what it is told to, once, and keeps what is settled no more', async () => {
    const { scene, session } = await buried(engines, 'a', 'b');
    const round = session.visit(work);
    await round.next();
    await round.settle('remove');
    await round.settle('remove');
    await round.next();
    round.end();
    await round.settle('remove');
    expect(scene.depth(dead)).to.include({ ready: 1, unacked: 0 });
    expect(await lettersOf(session.visit(work))).to.deep.equal(['b']);
  });

  it('shows nothing of an inqueue that does not exist, and ends with one that goes', async () => {
    const { scene, session } = await buried(engines);
    expect(await lettersOf(session.visit(q('nowhere')))).to.deep.equal([]);
    const owner = scene.engine.open({ id: 'passing' });
    await owner.declare('inqueue', q('passing'), { persistent: false });
    const round = session.visit(q('passing'));
    const showing = round.next();
    owner.end('left');
    expect(await showing).to.equal(undefined);
    expect(await round.next()).to.equal(undefined);
    await round.settle('remove');
  });

  it('keeps the order and loses nothing, whatever rounds do and consumers give back', async function () {
    this.timeout(30_000);
    type Step = { readonly act: 'next' | 'remove' | 'end' | 'take' | 'giveBack'; readonly who: number };
    const step = fc.record({
      act: fc.constantFrom<Step['act']>('next', 'next', 'remove', 'end', 'take', 'giveBack'),
      who: fc.nat({ max: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const letters = ['a', 'b', 'c', 'd', 'e', 'f'];
        const { scene, session } = await buried(engines, ...letters);
        const rounds = [session.visit(work), session.visit(work)];
        const shown: (string | undefined)[] = [undefined, undefined];
        const removed: string[] = [];
        let mortal = scene.engine.open({ id: 'mortal' });
        for (const { act, who } of steps) {
          const round = rounds[who];
          if (!round) continue;
          if (act === 'next') shown[who] = await text(round);
          else if (act === 'remove') {
            await round.settle('remove');
            const gone = shown[who];
            if (gone !== undefined) removed.push(gone);
            shown[who] = undefined;
          } else if (act === 'end') {
            round.end();
            shown[who] = undefined;
            rounds[who] = session.visit(work);
          } else if (act === 'take') new Taker(mortal, dead, 1);
          else {
            mortal.end('died');
            mortal = scene.engine.open({ id: 'mortal' });
          }
          if (shown[0] !== undefined) expect(shown[0]).not.to.equal(shown[1]);
        }
        mortal.end('died');
        for (const round of rounds) round.end();
        await scene.quiet();
        const left = await lettersOf(session.visit(work));
        await scene.close();
        expect(left).to.deep.equal(letters.filter((letter) => !removed.includes(letter)));
      }),
      { numRuns: engines.isDurable ? 30 : 100 },
    );
  });

  it('stays quick with many letters: 10,000 kept twice', async function () {
    this.timeout(20_000);
    const { scene, session } = await buried(engines);
    const letters = Array.from({ length: 10_000 }, (_, n) => `${n}`);
    await scene.node.commit(letters.map((letter) => ({ topic: dead, body: Buffer.from(letter) })));
    const beganMs = performance.now();
    expect(await lettersOf(session.visit(work))).to.have.length(10_000);
    expect(await lettersOf(session.visit(work))).to.deep.equal(letters);
    expect(performance.now() - beganMs).to.be.lessThan(5000);
  });
});

async function buried(engines: Harness, ...letters: readonly string[]) {
  const scene: Scene = await engines.open();
  const bury = async (...texts: readonly string[]): Promise<void> => {
    const taker = new Taker(scene.session, work, 1);
    for (const [at, text] of texts.entries()) {
      await scene.fill(text);
      await taker.bury(at, text);
    }
    taker.consumer.end();
  };
  await bury(...letters);
  return { scene, session: scene.session, bury };
}
