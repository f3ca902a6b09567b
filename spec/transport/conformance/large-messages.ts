import { expect } from 'chai';
import type { Server } from './server.js';
import { eventually, type Stage } from './stage.js';

const BYTES = 20_000_000;

export function largeMessageSpecs(server: () => Server, stage: () => Stage): void {
  it('pass through a send, as an output, and as a dead letter', async function () {
    this.timeout(60_000);
    const broker = await stage().connect();
    const large = Buffer.alloc(Math.min(BYTES, server().maxMessageBytes ?? BYTES), 0xff);
    large.write('begin');
    const isWhole = (data: unknown): boolean => Buffer.isBuffer(data) && data.equals(large);
    const [first, out, last] = [
      await stage().inqueue(broker),
      await stage().outqueue(broker),
      await stage().inqueue(broker),
    ];
    const [inbox, results] = [await stage().hold(broker, first), await stage().hold(broker, last)];
    await stage().connectEdge(broker, results.consumer, out, last);
    await broker.send('inqueue', first, { data: large }, { mandatory: true });
    const received = await eventually(() => inbox.all[0], 'the message', 20_000);
    expect(isWhole(received.delivery.data), 'as it was sent').to.equal(true);
    received.settle('ack', [{ outqueue: out, data: large, mandatory: true }]);
    const result = await eventually(() => results.all[0], 'the output', 20_000);
    expect(isWhole(result.delivery.data), 'as an output').to.equal(true);
    result.settle({ deadLetter: 'too large' });
    await eventually(
      async () => (await broker.visitDeadLetters(last, async ({ body }) => (isWhole(body) ? 'remove' : 'keep'))) > 0,
      'the dead letter',
      20_000,
    );
    expect(await broker.visitDeadLetters(last, async () => 'keep'), 'removed, so it was whole').to.equal(0);
  });
}
