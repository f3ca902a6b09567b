import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually, rejection, type Stage } from './stage.js';

const MANY = 3000;
/** What a broker of that kind keeps for a slow reader before it drops. */
const MOST_UNSETTLED = 1000;

export function flowSpecs(stage: () => Stage): void {
  it('holds back a source whose target settles slowly, and loses nothing; or refuses: MSGFLO_UNSUPPORTED', async function () {
    this.timeout(60_000);
    const source = await stage().connect();
    if (!source.capabilities.credits)
      return void (await rejection(source.flowTo(stage().name(), [stage().name()]), 'MSGFLO_UNSUPPORTED'));
    const target = await stage().connect({ slot: 'slow.0' });
    const [out, inqueue] = [await stage().outqueue(source), await stage().inqueue(target)];
    let isOpen = false;
    const waiting: (() => void)[] = [];
    const got = new Set<number>();
    const consumer = await target.consume(
      inqueue,
      async ({ data }) => {
        if (!isOpen) await new Promise<void>((resolve) => waiting.push(resolve));
        got.add(Number(data));
        return { verdict: 'ack', outputs: [] };
      },
      { prefetch: 20 },
    );
    await stage().connectEdge(target, consumer, out, inqueue);
    await source.flowTo(out, [inqueue]);
    let confirmed = 0;
    const sending = Array.from({ length: MANY }, (_, data) =>
      source.send('outqueue', out, { data }).then(() => {
        confirmed += 1;
      }),
    );
    await eventually(() => waiting.length === 20, 'what may be in hand');
    await unchanging(() => confirmed);
    expect(confirmed, 'confirmed while nothing is settled').to.be.within(20, MOST_UNSETTLED);
    isOpen = true;
    for (const resolve of waiting) resolve();
    await Promise.all(sending);
    await eventually(() => got.size === MANY, 'all deliveries', 20_000);
  });

  it('no longer holds a source back that flows to nobody', async () => {
    const source = await stage().connect();
    if (!source.capabilities.credits) return;
    const [out, inqueue] = [await stage().outqueue(source), await stage().inqueue(source)];
    const inbox = await stage().hold(source, inqueue, { prefetch: 1 });
    await stage().connectEdge(source, inbox.consumer, out, inqueue);
    await source.flowTo(out, [inqueue]);
    await source.send('outqueue', out, { data: 1 });
    await source.flowTo(out, []);
    await inbox.consumer.listenTo([]);
    await Promise.all(
      Array.from({ length: MOST_UNSETTLED + 500 }, (_, n) => source.send('outqueue', out, { data: n })),
    );
  });

  it('tells of losses to who asks, until cancelled', async () => {
    const broker = await stage().connect();
    const told: string[] = [];
    const losses = await broker.losses((text) => told.push(text));
    await stage().pass(broker);
    await losses.cancel();
    await losses.cancel();
    expect(told).to.deep.equal([]);
  });
}

/** Waits until a figure has not changed for 200 ms. */
async function unchanging(figure: () => number): Promise<void> {
  for (let last = -1; last !== figure(); ) {
    last = figure();
    await delay(200);
  }
}
