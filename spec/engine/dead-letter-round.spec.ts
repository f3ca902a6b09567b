import { expect } from 'chai';
import fc from 'fast-check';
import { type EngineRound, MemoryEngine } from '../../src/engine/index.js';
import { output, q, send, Taker } from './scene.js';

const work = q('work');
const dead = q('dead-work');

describe('a round over dead letters in the MemoryEngine', () => {
  function scene(...letters: readonly string[]) {
    const engine = new MemoryEngine();
    const session = engine.open({ id: 'owner' });
    session.declare('inqueue', work, { persistent: true });
    const bury = (...texts: readonly string[]): void => {
      const taker = new Taker(session, work, 1);
      texts.forEach((text, at) => {
        send(session, output('inqueue', work, text));
        taker.bury(at, text);
      });
      taker.consumer.end();
    };
    bury(...letters);
    const depth = () => engine.depths([dead])[0];
    return { engine, session, bury, depth };
  }
  const text = async (round: EngineRound): Promise<string | undefined> => (await round.next())?.body.toString();
  async function all(round: EngineRound): Promise<string[]> {
    const seen: string[] = [];
    for (let letter = await text(round); letter !== undefined; letter = await text(round)) seen.push(letter);
    return seen;
  }

  it('leaves out what comes meanwhile, so that it ends', async () => {
    const { session, bury } = scene('a', 'b');
    const round = session.visit(work);
    expect(await text(round)).to.equal('a');
    bury('c');
    expect(await all(round)).to.deep.equal(['b']);
    expect(await all(session.visit(work))).to.deep.equal(['a', 'b', 'c']);
  });

  it('has the letter that it shows to itself, from consumers too, until it is kept', async () => {
    const { engine, session, depth } = scene('a', 'b', 'c');
    const looker = engine.open({ id: 'looker' });
    const round = looker.visit(work);
    expect(await text(round)).to.equal('a');
    expect(depth()).to.include({ ready: 2, unacked: 1 });
    expect(await text(session.visit(work)), 'another round').to.equal('b');
    const taker = new Taker(session, dead, 10);
    expect(taker.texts).to.deep.equal(['c']);
    looker.end('died');
    expect(taker.texts, 'seen is not redelivered').to.deep.equal(['c', 'a']);
    expect(await text(round), 'of a session that is gone').to.equal(undefined);
  });

  it('removes what it is told to, once, and keeps what is settled no more', async () => {
    const { session, depth } = scene('a', 'b');
    const round = session.visit(work);
    await round.next();
    await round.settle('remove');
    await round.settle('remove');
    await round.next();
    round.end();
    await round.settle('remove');
    expect(depth()).to.include({ ready: 1, unacked: 0 });
    expect(await all(session.visit(work))).to.deep.equal(['b']);
  });

  it('shows nothing of an inqueue that does not exist', async () => {
    const { session } = scene();
    expect(await all(session.visit(q('nowhere')))).to.deep.equal([]);
  });

  it('keeps the order and loses nothing, whatever rounds do and consumers give back', async () => {
    type Step = { readonly act: 'next' | 'remove' | 'end' | 'take' | 'giveBack'; readonly who: number };
    const step = fc.record({
      act: fc.constantFrom<Step['act']>('next', 'next', 'remove', 'end', 'take', 'giveBack'),
      who: fc.nat({ max: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const letters = ['a', 'b', 'c', 'd', 'e', 'f'];
        const { engine, session } = scene(...letters);
        const rounds = [session.visit(work), session.visit(work)];
        const shown: (string | undefined)[] = [undefined, undefined];
        const removed: string[] = [];
        let mortal = engine.open({ id: 'mortal' });
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
            mortal = engine.open({ id: 'mortal' });
          }
          if (shown[0] !== undefined) expect(shown[0]).not.to.equal(shown[1]);
        }
        mortal.end('died');
        for (const round of rounds) round.end();
        expect(await all(session.visit(work))).to.deep.equal(letters.filter((letter) => !removed.includes(letter)));
      }),
    );
  });

  it('stays quick with many letters: 10,000 kept twice', async () => {
    const letters = Array.from({ length: 10_000 }, (_, n) => `${n}`);
    const { session } = scene(...letters);
    const beganMs = performance.now();
    expect(await all(session.visit(work))).to.have.length(10_000);
    expect(await all(session.visit(work))).to.deep.equal(letters);
    expect(performance.now() - beganMs).to.be.lessThan(3000);
  });
});
