import { randomUUID } from 'node:crypto';
import { type Channel, type ChannelModel, type ConfirmChannel, connect, type GetMessage } from 'amqplib';
import { expect } from 'chai';
import fc from 'fast-check';
import { publishing } from '../../../src/transport/amqp/publish-frames.js';
import { Letter, toProperties } from '../../../src/transport/amqp/wire.js';
import { writeTogether } from '../../../src/transport/amqp/write-together.js';
import { HEADER, Stamps } from '../../../src/transport/index.js';
import { sharedRabbit } from '../../support/rabbitmq.js';

/** Counts what goes through amqplib's own way. */
function watched(channel: ConfirmChannel): { slow: number } {
  const seen = { slow: 0 };
  const publish = channel.publish.bind(channel);
  Object.defineProperty(channel, 'publish', {
    value: (...args: Parameters<typeof publish>) => {
      seen.slow += 1;
      return publish(...args);
    },
  });
  return seen;
}

const text = fc.oneof(fc.string({ maxLength: 90 }), fc.string({ unit: 'binary', maxLength: 300 }));
const known = fc.record(
  {
    [HEADER.contentType]: text,
    [HEADER.replyTo]: text,
    [HEADER.messageId]: text,
    [HEADER.createdAt]: fc.oneof(
      fc.nat().map(String),
      fc.constantFrom('', '-1', '1785000000123', '9007199254740991'),
      text,
    ),
    [HEADER.priority]: fc.constantFrom('0', '7', '255', '256', '-1', '1.5', 'high'),
    [HEADER.traceparent]: fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'),
  },
  { requiredKeys: [] },
);
const own = fc.dictionary(fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }), text, { maxKeys: 6 });
const body = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 400 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 300_000 }).map((bytes) => new Uint8Array(bytes).fill(bytes)) },
);

describe('amqp frames of a publish', () => {
  const stamps = new Stamps();
  let model: ChannelModel;
  let channel: ConfirmChannel;
  let reader: Channel;
  let queue: string;
  let exchange: string;

  beforeEach(async () => {
    model = await connect((await sharedRabbit()).url);
    writeTogether(model);
    channel = await model.createConfirmChannel();
    reader = await model.createChannel();
    queue = `frames.${randomUUID()}`;
    await reader.assertQueue(queue, { exclusive: true });
    exchange = `${queue}.x`;
    await reader.assertExchange(exchange, 'fanout', { autoDelete: true });
    await reader.bindQueue(queue, exchange, '');
  });
  afterEach(() => model.close());

  async function next(): Promise<GetMessage> {
    const message = await reader.get(queue, { noAck: true });
    if (!message) throw new Error('nothing came');
    return message;
  }

  /** Once by `publish`, once by amqplib, and what came of both. */
  async function both(letter: Letter): Promise<readonly [GetMessage, GetMessage]> {
    letter.stamp(stamps);
    await new Promise<unknown>((resolve) => publishing(channel)(letter, resolve));
    channel.publish(letter.exchange, letter.routingKey, letter.content, toProperties(letter));
    await channel.waitForConfirms();
    return [await next(), await next()];
  }

  it('arrives as what amqplib sends, whatever its headers and its size, to a queue and to an exchange', async function () {
    this.timeout(30_000);
    const property = fc.asyncProperty(
      body,
      known,
      own,
      fc.boolean(),
      fc.boolean(),
      async (bytes, some, more, toQueue, mandatory) => {
        const message = { data: Buffer.from(bytes), headers: { ...more, ...some } };
        const [ours, theirs] = await both(
          toQueue ? new Letter('', queue, message, mandatory) : new Letter(exchange, '', message, mandatory),
        );
        expect(ours.properties).to.deep.equal(theirs.properties);
        expect(ours.content.equals(theirs.content)).to.equal(true);
        expect(ours.fields.exchange).to.equal(theirs.fields.exchange);
        expect(ours.fields.routingKey).to.equal(theirs.fields.routingKey);
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });

  it('finds amqplib as it expects it: usual messages go its own way, large ones and odd ones do not', async () => {
    const seen = watched(channel);
    const publish = publishing(channel);
    const send = (letter: Letter): Promise<unknown> => {
      letter.stamp(stamps);
      return new Promise((resolve) => publish(letter, resolve));
    };
    const headers = { [HEADER.contentType]: 'application/json', [HEADER.traceparent]: '00-0af7-b7ad-00' };
    expect(await send(new Letter(exchange, '', { data: { n: 1 }, headers }, true))).to.equal(null);
    expect(await send(new Letter('', queue, { data: Buffer.alloc(0) }))).to.equal(null);
    expect(seen.slow).to.equal(0);
    expect(await send(new Letter('', queue, { data: Buffer.alloc(20_000) }))).to.equal(null);
    expect(await send(new Letter('', queue, { data: 1, headers: { [HEADER.replyTo]: 'r'.repeat(300) } }))).to.equal(
      null,
    );
    expect(seen.slow).to.equal(2);
  });

  it('confirms come in step with those of amqplib on the same channel, and what nobody takes comes back', async () => {
    const returned: string[] = [];
    channel.on('return', ({ properties }) => returned.push(properties.messageId));
    const publish = publishing(channel);
    const order: string[] = [];
    const note = (name: string) => (error: unknown) => void order.push(error ? `${name} failed` : name);
    for (let n = 0; n < 50; n += 1) {
      const letter = new Letter(n % 2 ? exchange : '', n % 2 ? '' : `none-${queue}`, { data: n }, true);
      letter.stamp(stamps);
      publish(letter, note(`ours ${n}`));
      channel.sendToQueue(queue, Buffer.from('x'), {}, note(`theirs ${n}`));
    }
    await channel.waitForConfirms();
    expect(order.toSorted()).to.deep.equal(
      Array.from({ length: 50 }, (_, n) => [`ours ${n}`, `theirs ${n}`])
        .flat()
        .toSorted(),
    );
    expect(returned).to.have.length(25);
  });

  it('throws on a channel that is closing, as amqplib does', async () => {
    const publish = publishing(channel);
    const letter = new Letter('', queue, { data: 1 });
    letter.stamp(stamps);
    const closing = channel.close();
    expect(() => publish(letter, () => {})).to.throw('Channel clos');
    await closing;
  });

  it('without what it needs of amqplib, everything goes through its publish', async () => {
    for (const missing of ['pushConfirmCallback', 'sendMessage', 'ch']) {
      const calls: unknown[] = [];
      const bare = {
        connection: model.connection,
        ch: 1,
        sendMessage() {},
        pushConfirmCallback() {},
        publish: (...args: unknown[]) => calls.push(args),
      };
      Reflect.deleteProperty(bare, missing);
      const letter = new Letter('', queue, { data: 1 });
      letter.stamp(stamps);
      Reflect.apply(publishing, undefined, [bare])(letter, () => {});
      expect(calls).to.have.length(1);
    }
  });
});
