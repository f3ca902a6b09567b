import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../conformance/stage.js';
import { AmqpStage } from './stage.js';

describe('acks of several deliveries at once', () => {
  const stage = AmqpStage.onSharedServer();

  it('let the others go on while one takes long', async () => {
    const broker = await stage.connect();
    const inqueue = stage.name('IN');
    await broker.declare('inqueue', inqueue);
    const numbers = Array.from({ length: 500 }, (_, at) => at);
    await Promise.all(numbers.map((data) => broker.send('inqueue', inqueue, { data })));
    let release = (): void => {};
    const straggler = new Promise<void>((resolve) => {
      release = resolve;
    });
    const done: unknown[] = [];
    const handler = async (data: unknown): Promise<void> => {
      if (data === 3) await straggler;
      done.push(data);
    };
    const consumer = await broker.consume(
      inqueue,
      async ({ data }) => handler(data).then(() => ({ verdict: 'ack', outputs: [] })),
      { prefetch: 10 },
    );
    await eventually(() => done.length === numbers.length - 1, 'all others');
    release();
    await consumer.cancel();
    expect(await broker.depths([inqueue])).to.deep.equal([{ queue: inqueue, ready: 0, consumers: 0 }]);
  });

  it('settle each delivery once, however verdicts and times are mixed', async () => {
    const [broker, bare] = [await stage.connect(), await stage.bare()];
    const inqueue = stage.name('IN');
    await broker.declare('inqueue', inqueue);
    const numbers = Array.from({ length: 400 }, (_, at) => at);
    await Promise.all(numbers.map((data) => broker.send('inqueue', inqueue, { data })));
    const requeued = new Set<unknown>();
    const acked: unknown[] = [];
    const consumer = await broker.consume(
      inqueue,
      async ({ data }) => {
        await delay(Math.random() * 8);
        if (Math.random() < 0.2 && !requeued.has(data)) {
          requeued.add(data);
          return { verdict: 'requeue', outputs: [] };
        }
        acked.push(data);
        return { verdict: 'ack', outputs: [] };
      },
      { prefetch: 25 },
    );
    await eventually(() => acked.length >= numbers.length, 'all');
    await consumer.cancel();
    expect(acked).to.have.members(numbers).and.to.have.length(numbers.length);
    expect((await bare.checkQueue(inqueue)).messageCount).to.equal(0);
  });
});
