import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import { silentLogger } from '../../../src/support/index.js';
import { type Broker, type Delivery, NotConnectedError } from '../../../src/transport/index.js';
import { eventually, rejection } from '../conformance/stage.js';
import { AmqpStage } from './stage.js';

const LENGTH = 10;

describe('a queue that is full on an AMQP broker', function () {
  this.timeout(60_000);
  const stage = AmqpStage.onSharedServer();

  async function bounded(broker: Broker, maxLength = LENGTH): Promise<QueueName> {
    const inqueue = stage.name('IN');
    await broker.declare('inqueue', inqueue, { maxLength });
    return inqueue;
  }

  async function outqueueTo(broker: Broker, ...targets: readonly QueueName[]): Promise<QueueName> {
    const source = stage.name('OUT');
    await broker.declare('outqueue', source);
    for (const target of targets) await broker.bind({ kind: 'pubsub', source, target });
    return source;
  }

  /** Takes what comes, `eachMs` milliseconds for each. */
  async function reads(broker: Broker, inqueue: QueueName, eachMs: number): Promise<Delivery[]> {
    const seen: Delivery[] = [];
    await broker.consume(inqueue, async (delivery) => {
      seen.push(delivery);
      if (eachMs > 0) await delay(eachMs);
      return { verdict: 'ack', outputs: [] };
    });
    return seen;
  }

  const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
  const dataOf = (seen: readonly Delivery[]): unknown[] => seen.map(({ data }) => data);

  it('holds a sender until there is room: nothing lost, nothing more waits in it, in order', async () => {
    const [sender, reader] = [await stage.connect(), await stage.connect()];
    const inqueue = await bounded(reader);
    const source = await outqueueTo(reader, inqueue);
    const sending = (async () => {
      for (const data of numbers(200)) await sender.send('outqueue', source, { data });
    })();
    await eventually(async () => (await reader.depths([inqueue]))[0]?.ready === LENGTH, 'the queue to be full');
    const seen = await reads(reader, inqueue, 2);
    let most = 0;
    await eventually(async () => {
      most = Math.max(most, (await reader.depths([inqueue]))[0]?.ready ?? 0);
      return seen.length === 200;
    }, 'all messages');
    await sending;
    expect(dataOf(seen)).to.deep.equal(numbers(200));
    expect(most).to.be.at.most(LENGTH);
  });

  it('holds many sends at once, says so once, and others are not held up', async () => {
    const lines: string[] = [];
    const log = {
      ...silentLogger,
      warnOnce: (_key: string, text: string): void => void (lines.includes(text) || lines.push(text)),
    };
    const [sender, reader] = [await stage.connect(log), await stage.connect()];
    const [inqueue, free] = [await bounded(reader, 100), stage.name('FREE')];
    await reader.declare('inqueue', free);
    let sent = 0;
    // More than are on their way at a time.
    const sending = numbers(1500).map((data) =>
      sender.send('inqueue', inqueue, { data }).then(() => {
        sent += 1;
      }),
    );
    await eventually(async () => sent === 100, 'the queue to be full');
    const beganMs = performance.now();
    await Promise.all(numbers(50).map((data) => sender.send('inqueue', free, { data })));
    expect(performance.now() - beganMs, 'sends to another queue').to.be.lessThan(2000);
    expect(sent).to.equal(100);
    expect(lines).to.have.length(1);
    expect(lines[0])
      .to.match(/^queue full: /)
      .and.to.include(inqueue);
    const seen = await reads(reader, inqueue, 0);
    await Promise.all(sending);
    await eventually(() => seen.length === 1500, 'all messages', 20_000);
    const overtaken = seen.filter(({ data }, at) => Number(data) < Number(seen[at - 1]?.data ?? 0));
    expect(overtaken.length, 'out of order').to.be.lessThan(75);
    expect(dataOf(seen).toSorted((one, other) => Number(one) - Number(other))).to.deep.equal(numbers(1500));
  });

  it('holds the outputs of a consumer, whose delivery is not acked before', async () => {
    const [worker, reader] = [await stage.connect(), await stage.connect()];
    const [first, second] = [stage.name('IN'), await bounded(reader)];
    await worker.declare('inqueue', first);
    const source = await outqueueTo(reader, second);
    let settled = 0;
    await worker.consume(
      first,
      async ({ data }) => ({
        verdict: 'ack',
        outputs: [{ outqueue: source, data, mandatory: true }],
        settled: () => {
          settled += 1;
        },
      }),
      { prefetch: 5 },
    );
    await Promise.all(numbers(40).map((data) => worker.send('inqueue', first, { data })));
    await eventually(() => settled === LENGTH, 'the queue to be full');
    await delay(100);
    expect(settled).to.equal(LENGTH);
    const seen = await reads(reader, second, 0);
    await eventually(() => seen.length === 40, 'all messages');
    expect(dataOf(seen)).to.have.members(numbers(40));
  });

  it('loses nothing where it is a quorum queue, which refuses a little late', async () => {
    const [sender, reader] = [await stage.connect(), await stage.connect()];
    const inqueue = stage.name('IN');
    await reader.declare('inqueue', inqueue, { maxLength: LENGTH, quorum: true });
    let sent = 0;
    const sending = (async () => {
      for (const data of numbers(80)) {
        await sender.send('inqueue', inqueue, { data });
        sent += 1;
      }
    })();
    await eventually(() => sent >= LENGTH, 'the queue to be full');
    await delay(200);
    expect(sent).to.be.at.most(2 * LENGTH);
    const seen = await reads(reader, inqueue, 0);
    await sending;
    await eventually(() => seen.length === 80, 'all messages');
    expect(dataOf(seen)).to.deep.equal(numbers(80));
  });

  it('does not keep close() waiting longer than its grace: what is held is rejected with MSGFLO_NOT_CONNECTED', async () => {
    const [sender, owner] = [await stage.connect(), await stage.connect()];
    const inqueue = await bounded(owner);
    await Promise.all(numbers(LENGTH).map((data) => sender.send('inqueue', inqueue, { data })));
    let rejected = 0;
    const held = numbers(15_000).map((data) =>
      sender.send('inqueue', inqueue, { data }).catch((error: unknown) => {
        if (error instanceof NotConnectedError) rejected += 1;
      }),
    );
    await delay(300);
    expect(sender.status, 'so many at once harm nothing').to.equal('open');
    const beganMs = performance.now();
    await sender.close({ graceMs: 100 });
    expect(performance.now() - beganMs).to.be.lessThan(2000);
    await Promise.all(held);
    expect(rejected).to.equal(15_000);
    expect((await owner.depths([inqueue]))[0]?.ready).to.equal(LENGTH);
  });

  it('beside a free one at the same outqueue loses nothing; the free one may get copies, with the same message id', async () => {
    const [sender, reader] = [await stage.connect(), await stage.connect()];
    const [full, free] = [await bounded(reader), stage.name('FREE')];
    await reader.declare('inqueue', free);
    const source = await outqueueTo(reader, full, free);
    const copies = await reads(reader, free, 0);
    const sending = Promise.all(numbers(30).map((data) => sender.send('outqueue', source, { data })));
    await eventually(() => new Set(dataOf(copies)).size === 30, 'all messages at the free one');
    const seen = await reads(reader, full, 0);
    await sending;
    await eventually(() => seen.length === 30, 'all messages at the full one');
    expect(dataOf(seen)).to.have.members(numbers(30));
    expect(copies.length).to.be.greaterThan(30);
    expect(new Set(copies.map(({ headers }) => headers['message-id'])).size).to.equal(30);
  });

  it('goes on holding over a lost connection, and nothing is lost', async () => {
    const [sender, reader] = [await stage.connect(), await stage.connect()];
    const inqueue = await bounded(reader);
    const missing = stage.name('missing');
    const sending = Promise.all(numbers(60).map((data) => sender.send('inqueue', inqueue, { data })));
    await eventually(async () => (await reader.depths([inqueue]))[0]?.ready === LENGTH, 'the queue to be full');
    // Closes the channel for a refusal, once by name, once for a letter that has to be found.
    await rejection(sender.send('outqueue', missing, { data: 1 }), 'MSGFLO_QUEUE_NOT_FOUND');
    const bad = sender.send('inqueue', inqueue, { data: 'bad', headers: { CC: 'text' } });
    const refused = rejection(bad, 'MSGFLO_REFUSED');
    const seen = await reads(reader, inqueue, 1);
    await refused;
    await sending;
    await eventually(() => new Set(dataOf(seen)).size === 60, 'all messages');
    expect(new Set(dataOf(seen))).to.deep.equal(new Set(numbers(60)));
  });
});
