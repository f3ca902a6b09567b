import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { EmbeddedBroker } from '../../../src/embedded/index.js';
import { readAddress } from '../../../src/log/wire/index.js';
import { asQueueName } from '../../../src/names.js';
import { encodeFrame, silentLogger } from '../../../src/support/index.js';
import { type Delivery, deadLetterQueue } from '../../../src/transport/index.js';
import { FrameSocket, LogBroker, MESSAGE, WIRE_VERSION } from '../../../src/transport/log/index.js';
import { freshDir } from '../../embedded/broker-process.js';
import { eventually, rejection } from '../conformance/stage.js';

const MIB = 1024 * 1024;
const MOST_BYTES = 62 * MIB;
const QUEUE = asQueueName('large.IN');

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const block = (part: string | Buffer): Buffer => Buffer.concat([u32(part.length), Buffer.from(part)]);
/** As the wire has it. */
const message = (...parts: readonly (Buffer | readonly number[])[]): Buffer =>
  encodeFrame(Buffer.concat(parts.map((part) => Buffer.from(part))));
const outputTo = (name: string) => (body: Buffer) => [Buffer.from([0]), block(name), block('{}'), block(body)];

describe('sizes of messages on the log', function () {
  this.timeout(20_000);
  let node: EmbeddedBroker;
  let client: LogBroker;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    const fresh = await freshDir();
    remove = fresh.remove;
    node = await EmbeddedBroker.listen({ dir: fresh.dir, log: silentLogger });
    client = new LogBroker(new URL(`${node.address}?start=false`), { id: 'sizes' }, silentLogger);
    await client.connect();
    await client.declare('inqueue', QUEUE);
  });
  afterEach(async () => {
    await client.close();
    await node.stop();
    await remove();
  });

  it('counts a text as it is written', async () => {
    const text = 'x'.repeat(30 * MIB);
    await client.send('inqueue', QUEUE, { data: { text } });
    const { data } = await new Promise<Delivery>((resolve) => {
      void client.consume(QUEUE, async (delivery) => {
        resolve(delivery);
        return { verdict: 'ack', outputs: [] };
      });
    });
    expect((data as { text: string }).text).to.have.length(text.length);
  });

  it('refuses what is too large with the limit, and the connection goes on', async () => {
    const data = Buffer.alloc(MOST_BYTES);
    const { message } = await rejection(client.send('inqueue', QUEUE, { data }), 'MSGFLO_REFUSED');
    expect(message).to.include(String(MOST_BYTES));
    await client.send('inqueue', QUEUE, { data: 'small' });
  });

  describe('of a client that does not look at them itself', () => {
    let frames: FrameSocket;
    let socket: Socket;
    let answers: Map<number, { why: string; text: string }>;
    let delivered: { readonly tag: number }[];
    beforeEach(async () => {
      [answers, delivered] = [new Map(), []];
      const address = readAddress(node.door);
      if (address.kind !== 'ipc') throw new Error('not a socket file');
      socket = connect(address.path);
      frames = new FrameSocket(socket, {
        onRequest: (fields) => {
          if (fields.text('op') === 'refused')
            answers.set(fields.count('re'), { why: fields.text('why'), text: fields.text('text') });
        },
        onMessage: (what, reader) => {
          if (what === MESSAGE.deliver && reader.u32() === 1) delivered.push({ tag: reader.u32() });
        },
        onEnd: () => undefined,
      });
      frames.send({ op: 'hello', re: 1, version: WIRE_VERSION, id: 'foreign' });
      await once(socket, 'data');
    });
    afterEach(() => frames.destroy());

    it('refuses a message that is too large, with the limit', async () => {
      const send = (re: number, name: string, body: Buffer): Buffer =>
        message([1], u32(re), [1], block(name), block('{}'), body);
      socket.write(send(2, QUEUE, Buffer.alloc(MOST_BYTES + 1)));
      socket.write(send(3, 'x'.repeat(300), Buffer.from('x')));
      await eventually(() => answers.size === 2, 'two answers');
      expect(answers.get(2)?.why).to.equal('refused');
      expect(answers.get(2)?.text).to.include(String(MOST_BYTES));
      expect(answers.get(3), 'a name').to.deep.include({ why: 'refused' });
      expect(answers.get(3)?.text).to.match(/1 to 200 characters/);
    });

    it('refuses a result that is too large, with the limit, and lets it be settled otherwise', async () => {
      await client.send('inqueue', QUEUE, { data: 'small' });
      frames.send({ op: 'consume', re: 2, consumer: 1, inqueue: QUEUE, prefetch: 1 });
      await eventually(() => delivered.length === 1, 'the message');
      const tag = delivered[0]?.tag ?? 0;
      const settle = (re: number, ...outputs: readonly Buffer[]): Buffer =>
        message([2], u32(re), u32(1), u32(tag), [0, 0], u32(outputs.length), ...outputs.flatMap(outputTo('out')));
      const half = Buffer.alloc(31.75 * MIB);
      socket.write(settle(3, half, half));
      await eventually(() => answers.has(3), 'the answer');
      expect(answers.get(3)?.why).to.equal('refused');
      expect(answers.get(3)?.text).to.include(String(63 * MIB));
      expect(await client.depths([QUEUE])).to.have.nested.property('[0].unacked', 1);
      socket.write(settle(4));
      await eventually(async () => (await client.depths([QUEUE]))[0]?.unacked === 0, 'the queue to be empty');
      expect(delivered).to.have.length(1);
    });
  });

  it('makes a dead letter of the largest there can be', async () => {
    await client.send('inqueue', QUEUE, { data: Buffer.alloc(MOST_BYTES - 1000) });
    await new Promise<void>((resolve) => {
      void client.consume(QUEUE, async () => ({
        ...{ verdict: { deadLetter: 'x'.repeat(5000) }, outputs: [] },
        settled: () => resolve(),
      }));
    });
    const [depth] = await client.depths([deadLetterQueue(QUEUE)]);
    expect(depth?.ready).to.equal(1);
  });
});
