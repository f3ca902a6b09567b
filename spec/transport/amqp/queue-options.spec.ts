import { expect } from 'chai';
import { deadLetterQueue, HEADER, type QueueOptions, Stamps, timeOf } from '../../../src/transport/index.js';
import { eventually, rejection } from '../conformance/stage.js';
import { AmqpStage } from './stage.js';

describe('queue options on an AMQP broker', () => {
  const stage = AmqpStage.onSharedServer();

  it('are the arguments of RabbitMQ, and none where none are given', async () => {
    const [ours, bare] = [await stage.connect(), await stage.bare()];
    const [bounded, quorum, plain] = [stage.name('IN'), stage.name('IN'), stage.name('IN')];
    const options = { ttlMs: 60_000, maxLength: 5, maxBytes: 2 ** 33, maxPriority: 3 };
    await ours.declare('inqueue', bounded, { ...options, arguments: { 'x-queue-mode': 'lazy' } });
    await ours.declare('inqueue', quorum, { quorum: true, deliveryLimit: 4, ttlMs: 60_000 });
    await ours.declare('inqueue', plain, {});
    const same = {
      'x-message-ttl': 60_000,
      'x-max-length': 5,
      'x-max-length-bytes': 2 ** 33,
      'x-overflow': 'reject-publish',
      'x-max-priority': 3,
      'x-queue-mode': 'lazy',
    };
    await bare.assertQueue(bounded, { deadLetterExchange: `dead-${bounded}`, arguments: same });
    const replicated = { 'x-queue-type': 'quorum', 'x-delivery-limit': 4, 'x-message-ttl': 60_000 };
    await bare.assertQueue(quorum, { deadLetterExchange: `dead-${quorum}`, arguments: replicated });
    await bare.assertQueue(plain, { deadLetterExchange: `dead-${plain}` });
  });

  it('that differ from those of the queue are named, both values and what to do', async () => {
    const [ours, other] = [await stage.connect(), await stage.connect()];
    const [plain, expiring] = [stage.name('IN'), stage.name('IN')];
    await ours.declare('inqueue', plain);
    await ours.declare('inqueue', expiring, { ttlMs: 1000 });
    const added = await rejection(other.declare('inqueue', plain, { ttlMs: 1000 }), 'MSGFLO_QUEUE_MISMATCH');
    expect(added.message).to.match(/'x-message-ttl' is none there, and 1000 is asked for: delete the queue .* policy/);
    const removed = await rejection(other.declare('inqueue', expiring), 'MSGFLO_QUEUE_MISMATCH');
    expect(removed.message).to.include("'x-message-ttl' is 1000 there, and none is asked for");
  });

  it('that contradict each other are refused before the broker is asked', async () => {
    const ours = await stage.connect();
    const wrong: readonly [QueueOptions, RegExp][] = [
      [{ quorum: true, persistent: false }, /always persistent/],
      [{ arguments: { 'x-queue-type': 'quorum' }, persistent: false }, /always persistent/],
      [{ quorum: true, arguments: { 'x-queue-type': 'classic' } }, /'x-queue-type'/],
      [{ quorum: true, maxPriority: 5 }, /no priorities/],
      [{ deliveryLimit: 5 }, /quorum/],
      [{ arguments: { 'x-max-length': 5 } }, /the option 'maxLength'/],
      [{ arguments: { 'x-dead-letter-exchange': 'elsewhere' } }, /set by msgflo/],
    ];
    for (const [options, words] of wrong) {
      const outcome = await ours.declare('inqueue', stage.name('IN'), options).catch((error: unknown) => error);
      expect(outcome).to.be.instanceOf(TypeError).with.property('message').that.matches(words);
    }
  });

  it('makes the broker bury what waits too long, and its reason is shown like ours', async () => {
    const ours = await stage.connect();
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue, { ttlMs: 20 });
    await ours.send('inqueue', inqueue, { data: 'late', headers: { [HEADER.messageId]: 'm1' } });
    const seen: Readonly<Record<string, string>>[] = [];
    await ours.consume(deadLetterQueue(inqueue), async ({ headers }) => {
      seen.push(headers);
      return { verdict: 'ack', outputs: [] };
    });
    const headers = await eventually(() => seen[0], 'the dead letter');
    expect(headers).to.include({
      [HEADER.messageId]: 'm1',
      [HEADER.deadReason]: 'expired',
      [HEADER.deadQueue]: inqueue,
    });
    expect(Date.now() - Number(headers[HEADER.deadAt])).to.be.within(0, 60_000);
  });

  it('buries what comes back from a quorum queue more often than its delivery limit', async () => {
    const ours = await stage.connect();
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue, { quorum: true, deliveryLimit: 2 });
    let deliveries = 0;
    await ours.consume(inqueue, async () => {
      deliveries += 1;
      return { verdict: 'requeue', outputs: [] };
    });
    await ours.send('inqueue', inqueue, { data: 1 });
    const reasons: unknown[] = [];
    await ours.consume(deadLetterQueue(inqueue), async ({ headers }) => {
      reasons.push(headers[HEADER.deadReason]);
      return { verdict: 'ack', outputs: [] };
    });
    await eventually(() => reasons.length > 0, 'the dead letter');
    expect(reasons).to.deep.equal(['delivery_limit']);
    expect(deliveries).to.equal(3);
  });

  it('hands over higher priorities first, and carries them as the property', async () => {
    const [ours, bare] = [await stage.connect(), await stage.bare()];
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue, { maxPriority: 10 });
    for (const priority of ['1', '9', '5', 'high'])
      await ours.send('inqueue', inqueue, { data: priority, headers: { [HEADER.priority]: priority } });
    const first = await bare.get(inqueue);
    if (!first) throw new Error('no message');
    expect(first.properties).to.include({ priority: 9 });
    bare.nack(first);
    const seen: unknown[] = [];
    await ours.consume(inqueue, async ({ data, headers }) => {
      seen.push([data, headers[HEADER.priority]]);
      return { verdict: 'ack', outputs: [] };
    });
    await eventually(() => seen.length === 4, 'the messages');
    expect(seen.slice(0, 3)).to.deep.equal([
      ['9', '9'],
      ['5', '5'],
      ['1', '1'],
    ]);
  });
});

describe('the time of creation on an AMQP broker', () => {
  const stage = AmqpStage.onSharedServer();

  it('is in the id, or in a header where it is another, and in seconds the property of AMQP', async () => {
    const [ours, bare] = [await stage.connect(), await stage.bare()];
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue);
    const beganMs = Date.now();
    await ours.send('inqueue', inqueue, { data: 1 });
    await ours.send('inqueue', inqueue, { data: 2, headers: { [HEADER.createdAt]: '1700000000123' } });
    await ours.send('inqueue', inqueue, { data: 3, headers: { [HEADER.createdAt]: 'yesterday' } });
    const [made, given, odd] = [await bare.get(inqueue), await bare.get(inqueue), await bare.get(inqueue)];
    if (!made || !given || !odd) throw new Error('no message');
    const atMs = timeOf(made.properties.messageId) ?? Number.NaN;
    expect(atMs).to.be.within(beganMs, Date.now());
    expect(made.properties).to.deep.include({ timestamp: Math.floor(atMs / 1000), headers: {} });
    expect(given.properties).to.deep.include({ timestamp: 1_700_000_000, headers: { 'created-at': '1700000000123' } });
    expect(odd.properties.timestamp).to.equal(undefined);
  });

  it('is read from the property where another program left no header', async () => {
    const [ours, bare] = [await stage.connect(), await stage.bare()];
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue);
    bare.sendToQueue(inqueue, Buffer.from('1'), { timestamp: 1_700_000_000 });
    const seen: unknown[] = [];
    await ours.consume(inqueue, async ({ headers }) => {
      seen.push(headers);
      return { verdict: 'ack', outputs: [] };
    });
    await eventually(() => seen.length > 0, 'the message');
    expect(seen).to.deep.equal([{ [HEADER.createdAt]: '1700000000000' }]);
  });

  it('is taken from an id of ours only where the property says nothing else', async () => {
    const [ours, bare] = [await stage.connect(), await stage.bare()];
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue);
    const messageId = new Stamps().messageId();
    const atMs = timeOf(messageId) ?? Number.NaN;
    bare.sendToQueue(inqueue, Buffer.from('1'), { messageId });
    bare.sendToQueue(inqueue, Buffer.from('2'), { messageId, timestamp: Math.floor(atMs / 1000) });
    bare.sendToQueue(inqueue, Buffer.from('3'), { messageId, timestamp: 1_700_000_000 });
    bare.sendToQueue(inqueue, Buffer.from('4'), { messageId, headers: { [HEADER.createdAt]: '1' } });
    const seen: unknown[] = [];
    await ours.consume(inqueue, async ({ headers }) => {
      seen.push(headers[HEADER.createdAt]);
      return { verdict: 'ack', outputs: [] };
    });
    await eventually(() => seen.length === 4, 'the messages');
    expect(seen).to.deep.equal([String(atMs), String(atMs), '1700000000000', '1']);
  });
});
