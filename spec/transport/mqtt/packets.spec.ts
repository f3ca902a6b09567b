import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { Stamps, timeOf } from '../../../src/transport/index.js';
import { PacketStream } from '../../../src/transport/mqtt/packet-stream.js';
import { PacketWriter } from '../../../src/transport/mqtt/packet-writer.js';
import { checkPublication, type Incoming, type Publication } from '../../../src/transport/mqtt/packets.js';

describe('mqtt packets', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 200 });
  const publication: fc.Arbitrary<Publication> = fc.record({
    topic: text,
    payload: fc.uint8Array({ maxLength: 20_000 }).map((bytes) => Buffer.from(bytes)),
    retain: fc.boolean(),
    headers: fc.dictionary(
      fc.oneof(text, fc.constantFrom('content-type', 'message-id', 'toString')).filter((name) => name !== '__proto__'),
      text,
    ),
    expirySeconds: fc.constantFrom(60, 604_800),
  });

  function written(protocol: 4 | 5, publications: readonly Publication[]): Buffer {
    const parts: Buffer[] = [];
    const writer = new PacketWriter(protocol, (bytes) => parts.push(bytes));
    for (const [at, each] of publications.entries()) {
      writer.publish(each, at + 1);
      writer.puback(at + 1);
    }
    writer.flush();
    return Buffer.concat(parts);
  }

  function reader(protocol: 4 | 5, together = true) {
    const messages: Incoming[] = [];
    const confirmed: number[] = [];
    const below = new PassThrough();
    const stream = new PacketStream(below, {
      protocol,
      together,
      onPublish: (message) => messages.push(message),
      onPuback: (packetId, reason) => confirmed.push(packetId, reason),
    });
    return { messages, confirmed, below, stream };
  }

  for (const protocol of [4, 5] as const) {
    it(`reads what it wrote, however the bytes are cut, protocol ${protocol}`, () => {
      const cuts = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 });
      fc.assert(
        fc.property(fc.array(publication, { minLength: 1, maxLength: 8 }), cuts, (sent, lengths) => {
          const bytes = written(protocol, sent);
          const { messages, confirmed, below } = reader(protocol);
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const length = lengths[turn % lengths.length] ?? 1;
            below.emit('data', bytes.subarray(at, at + length));
            at += length;
          }
          const headers = (each: Publication) => (protocol === 5 ? each.headers : {});
          expect(
            messages.map((got) => ({
              topic: got.topic,
              payload: got.payload.toString('hex'),
              retain: got.retain,
              headers: got.headers,
            })),
          ).to.deep.equal(
            sent.map((each) => ({
              topic: each.topic,
              payload: each.payload.toString('hex'),
              retain: each.retain,
              headers: { ...headers(each) },
            })),
          );
          expect(messages.map(({ packetId, qos }) => [packetId, qos])).to.deep.equal(sent.map((_, at) => [at + 1, 1]));
          expect(confirmed).to.deep.equal(sent.flatMap((_, at) => [at + 1, 0]));
        }),
        { numRuns: 60 },
      );
    });
  }

  it('reads when a message was made from an id that tells it, unless a header does', () => {
    const { messages, below } = reader(5);
    const [own, other] = [new Stamps().messageId(), '5f0c6c3e-0001-4a7c-9f6e-8d1c2b3a4f5e'];
    const sent = [{ 'message-id': own }, { 'message-id': own, 'created-at': '1' }, { 'message-id': other }, {}];
    below.emit(
      'data',
      written(
        5,
        sent.map((headers) => ({ topic: 't', payload: Buffer.from('x'), headers })),
      ),
    );
    const times = messages.map(({ headers }) => headers['created-at']);
    expect(times).to.deep.equal([String(timeOf(own)), '1', undefined, undefined]);
  });

  it('passes on every other packet, and reads nothing behind a CONNACK until it is released', async () => {
    const { messages, below, stream } = reader(4);
    const connack = Buffer.from([0x20, 2, 0, 0]);
    const passed: Buffer[] = [];
    stream.on('data', (bytes: Buffer) => passed.push(bytes));
    const behind = written(4, [{ topic: 't', payload: Buffer.from('x') }]);
    below.emit('data', Buffer.concat([connack, behind, Buffer.from([0xd0, 0])]));
    expect(messages).to.have.lengthOf(0);
    stream.release();
    expect(messages.map(({ topic }) => topic)).to.deep.equal(['t']);
    await new Promise(setImmediate);
    expect(Buffer.concat(passed).toString('hex')).to.equal('20020000d000');
  });

  for (const [what, bytes] of [
    ['a length of five bytes', [0x30, 0xff, 0xff, 0xff, 0xff, 1]],
    ['a topic that is longer than the packet', [0x30, 3, 0, 9, 0x61]],
    ['a property that a PUBLISH does not have', [0x30, 6, 0, 1, 0x61, 2, 99, 0]],
  ] as const) {
    it(`ends the connection at ${what}`, () => {
      const { messages, below, stream } = reader(5);
      stream.on('error', () => undefined);
      below.emit('data', Buffer.from(bytes));
      expect(stream.destroyed).to.equal(true);
      expect(messages).to.have.lengthOf(0);
    });
  }

  it('leaves what is sent in one turn as one piece, before what mqtt.js sends', async () => {
    const { below, stream } = reader(4);
    const pieces: string[] = [];
    below.write = (bytes: Buffer) => pieces.push(bytes.toString('hex')) > 0;
    stream.puback(1);
    stream.puback(2);
    await new Promise(setImmediate);
    stream.puback(3);
    stream.write(Buffer.from([0xe0, 0]));
    expect(pieces).to.deep.equal(['4002000140020002', '40020003', 'e000']);
  });

  it('sends each packet by itself where that is asked for', () => {
    const { below, stream } = reader(4, false);
    const pieces: string[] = [];
    below.write = (bytes: Buffer) => pieces.push(bytes.toString('hex')) > 0;
    stream.puback(1);
    stream.puback(2);
    expect(pieces).to.deep.equal(['40020001', '40020002']);
  });

  it('refuses what a broker would cut the connection at', () => {
    const plain = { topic: 't', payload: Buffer.from('x') };
    const long = 'x'.repeat(65_536);
    expect(() => checkPublication(plain, 5, 1000)).to.not.throw();
    expect(() => checkPublication({ ...plain, topic: '' }, 5, 1000)).to.throw('no topic');
    expect(() => checkPublication({ ...plain, topic: long }, 5, 100_000)).to.throw('no topic');
    expect(() => checkPublication({ ...plain, headers: { long } }, 5, 100_000)).to.throw("header 'long' has 65536");
    expect(() => checkPublication({ ...plain, headers: { long } }, 4, 100_000)).to.not.throw();
    for (const odd of ['two\nlines', 'nul\0', 'c1\u0085', 'none\uffff']) {
      expect(() => checkPublication({ ...plain, topic: odd }, 5, 1000), odd).to.throw('no topic');
      expect(() => checkPublication({ ...plain, headers: { a: odd } }, 5, 1000), odd).to.throw(
        "header 'a' has control",
      );
      expect(() => checkPublication({ ...plain, headers: { [odd]: 'a' } }, 5, 1000), odd).to.throw('has control');
      expect(() => checkPublication({ ...plain, headers: { a: odd } }, 4, 1000), odd).to.not.throw();
    }
    expect(() => checkPublication({ ...plain, payload: Buffer.alloc(2000) }, 5, 1000)).to.throw(
      'the broker takes 1000',
    );
    const euros = (count: number) => ({ ...plain, headers: { a: '€'.repeat(count) } });
    expect(() => checkPublication(euros(21_845), 5, 100_000)).to.not.throw();
    expect(() => checkPublication(euros(21_846), 5, 100_000)).to.throw("header 'a' has 65538");
    expect(() => checkPublication(euros(400), 5, 1000)).to.throw('of 1272 bytes');
    expect(() => checkPublication({ ...plain, headers: { a: 'x'.repeat(400) } }, 5, 1000)).to.not.throw();
  });
});
