import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../conformance/stage.js';
import { AmqpStage } from './stage.js';

const MIB = 1024 * 1024;

describe('large messages and deliveries that hang on an AMQP broker', () => {
  const stage = AmqpStage.onSharedServer();

  it('carries 20 MiB through a consumer and its output, five in a row, and holds few of them at a time', async function () {
    this.timeout(60_000);
    const [sender, worker, reader] = [await stage.connect(), await stage.connect(), await stage.connect()];
    const [first, out, last] = [stage.name('IN'), stage.name('OUT'), stage.name('LAST')];
    await worker.declare('inqueue', first);
    await worker.declare('outqueue', out);
    await reader.declare('inqueue', last);
    await reader.bind({ kind: 'pubsub', source: out, target: last });
    let arrived = 0;
    const odd: unknown[] = [];
    await reader.consume(last, async ({ data }) => {
      if (!Buffer.isBuffer(data) || !data.equals(body)) odd.push(data);
      arrived += 1;
      return { verdict: 'ack', outputs: [] };
    });
    await worker.consume(first, async ({ data }) => ({
      verdict: 'ack',
      outputs: [{ outqueue: out, data, mandatory: true }],
    }));
    const body = Buffer.alloc(20 * MIB, 'x');
    const before = process.memoryUsage.rss();
    let most = 0;
    for (let sent = 1; sent <= 5; sent += 1) {
      await sender.send('inqueue', first, { data: body });
      most = Math.max(most, process.memoryUsage.rss());
    }
    await eventually(
      () => {
        most = Math.max(most, process.memoryUsage.rss());
        return arrived === 5;
      },
      'all messages',
      30_000,
    );
    expect(odd).to.deep.equal([]);
    // Three clients in this one process, each with one in its hands, in frames and as a whole, as bytes and as text.
    expect((most - before) / MIB, 'MiB more than before').to.be.lessThan(500);
  });

  it('leaves the others to a second consumer when one never settles; close() gives back what it holds', async () => {
    const [stuck, other] = [await stage.connect(), await stage.connect()];
    const inqueue = stage.name('IN');
    await stuck.declare('inqueue', inqueue);
    const held: unknown[] = [];
    await stuck.consume(
      inqueue,
      ({ data }) => {
        held.push(data);
        return new Promise(() => undefined);
      },
      { prefetch: 3 },
    );
    const numbers = Array.from({ length: 20 }, (_, at) => at);
    for (const data of numbers) await stuck.send('inqueue', inqueue, { data });
    const seen: unknown[] = [];
    await other.consume(inqueue, async ({ data }) => {
      seen.push(data);
      return { verdict: 'ack', outputs: [] };
    });
    await eventually(() => seen.length === 17, 'the others');
    await delay(50);
    expect(held).to.deep.equal([0, 1, 2]);
    const beganMs = performance.now();
    await stuck.close({ graceMs: 100 });
    expect(performance.now() - beganMs).to.be.lessThan(2000);
    await eventually(() => seen.length === 20, 'what was given back');
    expect(seen).to.have.members(numbers);
  });
});
