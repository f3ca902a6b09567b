import { expect } from 'chai';
import { deadLetterQueue } from '../../../src/transport/index.js';
import { eventually, rejection } from '../conformance/stage.js';
import { AmqpStage, replyCode } from './stage.js';

describe('topology on an AMQP broker', () => {
  const stage = AmqpStage.onSharedServer();

  it('is, for an inqueue, what old libraries declare', async () => {
    const [ours, old] = [await stage.connect(), await stage.bare()];
    const name = stage.name('IN');
    await ours.declare('inqueue', name);
    await old.assertQueue(name, { deadLetterExchange: `dead-${name}` });
    await old.assertExchange(name, 'fanout', {});
    old.publish(name, '', Buffer.from('over the exchange of that name'));
    await eventually(async () => (await old.checkQueue(name)).messageCount === 1, 'the message in the queue');
  });

  it('is, for an outqueue, a durable fanout exchange and no queue', async () => {
    const [ours, old] = [await stage.connect(), await stage.bare()];
    const name = stage.name('OUT');
    await ours.declare('outqueue', name);
    await old.assertExchange(name, 'fanout', { durable: true });
    expect(await replyCode(old.checkQueue(name))).to.equal(404);
  });

  it('is neither durable nor lasting where the port is not persistent', async () => {
    const [ours, old] = [await stage.connect(), await stage.bare()];
    const [inqueue, outqueue] = [stage.name('IN'), stage.name('OUT')];
    await ours.declare('inqueue', inqueue, { persistent: false });
    await ours.declare('outqueue', outqueue, { persistent: false });
    const passing = { durable: false, autoDelete: true };
    await old.assertQueue(inqueue, { ...passing, deadLetterExchange: `dead-${inqueue}` });
    await old.assertExchange(inqueue, 'fanout', passing);
    await old.assertExchange(outqueue, 'fanout', passing);
  });

  it('keeps what an old library rejects', async () => {
    const [ours, old] = [await stage.connect(), await stage.bare()];
    const name = stage.name('IN');
    await ours.declare('inqueue', name);
    old.sendToQueue(name, Buffer.from('rejected'));
    await old.consume(name, (message) => message && old.nack(message, false, false));
    const holding = deadLetterQueue(name);
    await eventually(async () => (await old.checkQueue(holding)).messageCount === 1, 'the dead letter');
  });

  it('refuses an inqueue that somebody declared otherwise, in the broker`s words, and consumes from it all the same', async () => {
    const [ours, old] = [await stage.connect(), await stage.bare()];
    const [name, other] = [stage.name('old'), stage.name('IN')];
    await old.assertQueue(name, { durable: true });
    const error = await rejection(ours.declare('inqueue', name), 'MSGFLO_QUEUE_MISMATCH');
    expect(error.message).to.include(name).and.to.include('x-dead-letter-exchange');
    await ours.declare('inqueue', other);
    const seen: unknown[] = [];
    await ours.consume(name, async ({ data }) => {
      seen.push(data);
      return { verdict: data === 1 ? { deadLetter: 'one' } : 'ack', outputs: [] };
    });
    old.sendToQueue(name, Buffer.from('1'));
    old.sendToQueue(name, Buffer.from('2'));
    await eventually(() => seen.length === 2, 'the deliveries');
    const holding = deadLetterQueue(name);
    await eventually(async () => (await ours.depths([holding]))[0]?.ready === 1, 'the dead letter');
  });

  it('puts a direct exchange into a round-robin binding, and removes it with the last queue', async () => {
    const [ours, old] = [await stage.connect(), await stage.bare()];
    const [source, one, two] = [stage.name('OUT'), stage.name('one'), stage.name('two')];
    await ours.declare('outqueue', source);
    for (const target of [one, two]) await ours.declare('inqueue', target);
    for (const target of [one, two]) await ours.bind({ kind: 'roundrobin', source, target });
    await old.assertExchange(`out-${source}`, 'direct', {});
    await ours.unbind({ kind: 'roundrobin', source, target: one });
    await ours.send('outqueue', source, { data: 1 }, { mandatory: true });
    expect(await ours.depths([one, two])).to.deep.equal([
      { queue: one, ready: 0, consumers: 0 },
      { queue: two, ready: 1, consumers: 0 },
    ]);
    await ours.unbind({ kind: 'roundrobin', source, target: two });
    expect(await replyCode(old.checkExchange(`out-${source}`))).to.equal(404);
  });

  it('creates the dead-letter exchange that old libraries only name, when it is bound', async () => {
    const [ours, old] = [await stage.connect(), await stage.bare()];
    const [name, target] = [stage.name('old'), stage.name('dead')];
    await old.assertQueue(name, { deadLetterExchange: `dead-${name}` });
    await ours.declare('inqueue', target);
    await ours.bind({ kind: 'pubsub', source: deadLetterQueue(name), target });
    old.sendToQueue(name, Buffer.from('rejected'));
    await old.consume(name, (message) => message && old.nack(message, false, false));
    await eventually(async () => (await ours.depths([target]))[0]?.ready === 1, 'the dead letter');
  });

  it('carries message id, content type and reply-to as properties, other headers in the table', async () => {
    const [ours, old] = [await stage.connect(), await stage.bare()];
    const name = stage.name('IN');
    await ours.declare('inqueue', name);
    const others = { colour: 'red', 'created-at': '1700000000123' };
    const headers = { 'message-id': 'm1', 'content-type': 'text/plain', 'reply-to': 'back', ...others };
    await ours.send('inqueue', name, { data: Buffer.from('text'), headers });
    const message = await old.get(name);
    if (!message) throw new Error('no message');
    expect(message.properties).to.include({ messageId: 'm1', contentType: 'text/plain', replyTo: 'back' });
    expect(message.properties).to.deep.include({ headers: others, deliveryMode: 2 });
    old.nack(message);
    const seen: unknown[] = [];
    await ours.consume(name, async (delivery) => {
      seen.push(delivery.headers);
      return { verdict: 'ack', outputs: [] };
    });
    await eventually(() => seen.length > 0, 'the delivery');
    expect(seen).to.deep.equal([headers]);
  });

  it('refuses a message to an inqueue that does not exist instead of losing it: MSGFLO_QUEUE_NOT_FOUND', async () => {
    const ours = await stage.connect();
    const missing = stage.name('missing');
    const error = await rejection(ours.send('inqueue', missing, { data: 1 }), 'MSGFLO_QUEUE_NOT_FOUND');
    expect(error).to.include({ queue: missing });
  });
});
