import { expect } from 'chai';
import fc from 'fast-check';
import { all, describeEngines, output, send, Taker, work } from './scene.js';

describeEngines('order', (engines) => {
  it('puts what a gone consumer held back where it stood, in order', async () => {
    const scene = await engines.open();
    const mortal = scene.engine.open({ id: 'mortal' });
    const first = new Taker(mortal, work, 3);
    await scene.fill('a', 'b', 'c', 'd');
    await first.ack(1);
    await first.took(4);
    mortal.end('died');
    expect(scene.depth()).to.include({ ready: 3, unacked: 0 });
    expect(await new Taker(scene.session, work, 10).took(3)).to.deep.equal(['a*', 'c*', 'd*']);
  });

  it('puts a requeued message back before those that came after it', async () => {
    const scene = await engines.open();
    const taker = new Taker(scene.session, work, 2);
    await scene.fill('a', 'b', 'c');
    await taker.took(2);
    taker.consumer.pause();
    await all([taker.settle(1, 'requeue'), taker.settle(0, 'requeue')]);
    expect(await new Taker(scene.session, work, 10).took(3)).to.deep.equal(['a*', 'b*', 'c']);
  });

  it('gives what came back before what was on its way to another meanwhile', async () => {
    const scene = await engines.open();
    const mortal = scene.engine.open({ id: 'mortal' });
    const first = new Taker(mortal, work, 2);
    await scene.fill('a', 'b', 'c', 'd');
    await first.took(2);
    const second = new Taker(scene.session, work, 10);
    mortal.end('died');
    expect(await second.took(4)).to.deep.equal(['a*', 'b*', 'c', 'd']);
  });

  it('hands messages to consumers in turn, passing over those with a full window', async () => {
    const scene = await engines.open();
    const takers = [new Taker(scene.session, work, 1), new Taker(scene.session, work, 3)];
    await scene.fill('a', 'b', 'c', 'd', 'e');
    await scene.quiet();
    expect(takers.map((taker) => taker.deliveries.length)).to.deep.equal([1, 3]);
  });

  it('gives back what was on its way to a consumer that ended, as if it had not been', async () => {
    const scene = await engines.open();
    await scene.fill('a', 'b');
    const ended = new Taker(scene.session, work, 2);
    ended.consumer.end();
    expect(await new Taker(scene.session, work, 2).took(2)).to.deep.equal(['a', 'b']);
    expect(ended.texts).to.deep.equal([]);
  });

  it('neither loses nor doubles nor reorders, whatever consumers do', async function () {
    this.timeout(30_000);
    type Step = { readonly act: 'send' | 'ack' | 'requeue' | 'die' | 'wait'; readonly pick: number };
    const step = fc.record({
      act: fc.constantFrom<Step['act']>('send', 'send', 'ack', 'requeue', 'die', 'wait', 'wait'),
      pick: fc.nat({ max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50 }), fc.integer({ min: 1, max: 4 }), async (steps, prefetch) => {
        const scene = await engines.open();
        let sent = 0;
        const acked: number[] = [];
        let mortal = scene.engine.open({ id: 'mortal' });
        let taker = new Taker(mortal, work, prefetch);
        for (const { act, pick } of steps) {
          const { consumer, deliveries } = taker;
          const delivery = deliveries[deliveries.length - 1 - pick];
          if (act === 'send') {
            send(scene.session, output('inqueue', work, `${sent}`));
            sent += 1;
          } else if (act === 'die') {
            mortal.end('died');
            mortal = scene.engine.open({ id: 'mortal' });
            taker = new Taker(mortal, work, prefetch);
          } else if (act === 'wait') await scene.quiet();
          else if (delivery)
            consumer.settle(delivery.tag, { verdict: act, outputs: [] }, ({ state }) => {
              if (act === 'ack' && state === 'done') acked.push(Number(delivery.body));
            });
          expect(scene.depth()?.unacked).to.be.at.most(prefetch);
        }
        await scene.quiet();
        mortal.end('died');
        await scene.quiet();
        const last = new Taker(scene.session, work, 1000);
        const rest = (await last.took(sent - acked.length)).map((text) => Number.parseInt(text, 10));
        await scene.close();
        expect(rest).to.deep.equal([...rest].sort((a, b) => a - b));
        expect([...acked, ...rest].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: sent }, (_, n) => n));
      }),
      { numRuns: engines.isDurable ? 40 : 100 },
    );
  });
});
