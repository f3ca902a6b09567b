import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Channel, type ChannelModel, type ConsumeMessage, connect, type Options } from 'amqplib';
import { expect } from 'chai';
import fc from 'fast-check';
import { readDeliveries } from '../../../src/transport/amqp/read-deliveries.js';
import { sharedRabbit } from '../../support/rabbitmq.js';

interface Sent {
  readonly content: Buffer;
  readonly options: Options.Publish;
}

const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }));
const value = fc.oneof(
  { weight: 8, arbitrary: text },
  { weight: 1, arbitrary: fc.oneof(fc.integer(), fc.boolean(), fc.constant(null)) },
);
const options: fc.Arbitrary<Options.Publish> = fc.record(
  {
    contentType: text,
    headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 40 }), value, { maxKeys: 4 }),
    persistent: fc.boolean(),
    priority: fc.nat(255),
    replyTo: text,
    messageId: text,
    timestamp: fc.nat(),
    correlationId: text,
    type: text,
  },
  { requiredKeys: [] },
);
const sent: fc.Arbitrary<Sent> = fc.record({
  content: fc
    .oneof(
      { weight: 8, arbitrary: fc.uint8Array({ maxLength: 300 }) },
      { weight: 1, arbitrary: fc.nat(300_000).map((bytes) => new Uint8Array(bytes).fill(bytes)) },
    )
    .map((bytes) => Buffer.from(bytes)),
  options,
});

describe('amqp deliveries read at once', () => {
  let quick: ChannelModel;
  let plain: ChannelModel;
  let exchange: string;

  beforeEach(async () => {
    const { url } = await sharedRabbit();
    quick = await connect(url);
    plain = await connect(url);
    readDeliveries(quick);
    exchange = `deliveries.${randomUUID()}`;
  });
  afterEach(async () => {
    await quick.close().catch(() => {});
    await plain.close();
  });

  /** What a consumer of a connection gets, as the exchange has it. */
  async function taking(model: ChannelModel): Promise<{ channel: Channel; got: ConsumeMessage[] }> {
    const channel = await model.createChannel();
    await channel.assertExchange(exchange, 'fanout', { autoDelete: true });
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, exchange, '');
    const got: ConsumeMessage[] = [];
    await channel.consume(queue, (message) => message && got.push(message), { consumerTag: 'taker' });
    return { channel, got };
  }

  /** Counts the deliveries that amqplib itself reads. */
  function countSlow(channel: Channel): () => number {
    let slow = 0;
    channel.on('delivery', () => {
      slow += 1;
    });
    return () => slow;
  }

  it('are what amqplib reads, whatever their properties and sizes, in order', async function () {
    this.timeout(30_000);
    const [ours, theirs] = await Promise.all([taking(quick), taking(plain)]);
    const out = await plain.createConfirmChannel();
    const slow = countSlow(ours.channel);
    let total = 0;
    const property = fc.asyncProperty(fc.array(sent, { maxLength: 20 }), async (messages) => {
      for (const each of messages) out.publish(exchange, '', each.content, each.options);
      await out.waitForConfirms();
      await until(() => ours.got.length === messages.length && theirs.got.length === messages.length);
      const expected = theirs.got.splice(0);
      for (const [at, { fields, properties, content }] of ours.got.splice(0).entries()) {
        expect(fields).to.deep.equal(expected[at]?.fields);
        expect({ ...EMPTY, ...properties }).to.deep.equal({ ...EMPTY, ...expected[at]?.properties });
        expect(content.equals(expected[at]?.content ?? Buffer.from('none'))).to.equal(true);
      }
      total += messages.length;
    });
    await fc.assert(property, { numRuns: 60 });
    expect(slow()).to.be.lessThan(total);
  });

  it('finds amqplib as it expects it: of usual messages nearly all are read its own way', async () => {
    const { channel, got } = await taking(quick);
    const slow = countSlow(channel);
    const out = await plain.createConfirmChannel();
    const headers = { 'created-at': '1785000000123', traceparent: '00-0af7-b7ad-00' };
    for (let n = 0; n < 1000; n += 1)
      out.publish(exchange, '', Buffer.from(JSON.stringify({ n })), { persistent: true, messageId: `m${n}`, headers });
    await out.waitForConfirms();
    await until(() => got.length === 1000);
    expect(got.map(({ content }) => JSON.parse(content.toString()).n)).to.deep.equal(
      Array.from({ length: 1000 }, (_, n) => n),
    );
    // Where a piece of what was received ends amid a message, amqplib reads it.
    expect(slow()).to.be.lessThan(200);
  });

  it('stop with their channel, and what a consumer throws closes its channel only', async () => {
    const { channel, got } = await taking(quick);
    const other = await quick.createChannel();
    other.on('error', () => {});
    const closed = new Promise((resolve) => other.once('close', resolve));
    const { queue } = await other.assertQueue('', { exclusive: true });
    await other.bindQueue(queue, exchange, '');
    await other.consume(queue, () => {
      throw new Error('no');
    });
    const out = await plain.createConfirmChannel();
    out.publish(exchange, '', Buffer.from('1'));
    await Promise.all([closed, until(() => got.length === 1)]);
    const closing = channel.close();
    out.publish(exchange, '', Buffer.from('2'));
    await Promise.all([closing, out.waitForConfirms()]);
    expect(got).to.have.length(1);
  });

  it('are read by amqplib where it is not as expected', () => {
    const connection = { recvFrame: () => 'theirs', rest: 'no buffer' };
    readDeliveries({ connection });
    expect(connection.recvFrame()).to.equal('theirs');
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(1);
}

/** amqplib gives no properties at all where there are none. */
const EMPTY = Object.fromEntries(
  [
    'contentType contentEncoding headers deliveryMode priority correlationId replyTo expiration messageId timestamp type',
    'userId appId clusterId',
  ]
    .join(' ')
    .split(' ')
    .map((name) => [name, undefined]),
);
