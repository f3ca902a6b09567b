import { expect } from 'chai';
import fc from 'fast-check';
import { MqttClientError } from '../../../src/embedded/mqtt-door/errors.js';
import { PacketCutter } from '../../../src/embedded/mqtt-door/packet-cutter.js';
import { readPacket } from '../../../src/embedded/mqtt-door/read-packet.js';
import { isFilter, matches, nameOf, topicOf } from '../../../src/embedded/mqtt-door/topics.js';
import { publish } from '../../../src/embedded/mqtt-door/write-packet.js';

describe('packets and topics of the MQTT door', () => {
  const LIMIT = 4_000_000;

  it('whatever bytes come are packets or a fault of the client', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        const cutter = new PacketCutter(1000);
        try {
          for (const chunk of chunks) {
            cutter.push(Buffer.from(chunk));
            for (let raw = cutter.next(); raw; raw = cutter.next()) readPacket(raw.head, raw.body);
          }
        } catch (error) {
          expect(error).to.be.instanceOf(MqttClientError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('what is written reads the same, at every length of the length, however it is cut', () => {
    for (const bytes of [0, 120, 121, 127, 128, 16_376, 16_377, 16_384, 2_097_140, 2_097_152, 3_000_000]) {
      const payload = Buffer.alloc(bytes, 'x');
      const packet = Buffer.concat(publish({ topic: 'tö', payload, id: 258, dup: true, retain: true }));
      const cutter = new PacketCutter(LIMIT);
      for (const at of [0, 1, 2, 3, 5, packet.length - 1]) {
        expect(cutter.next()).to.equal(undefined);
        const next = [1, 2, 3, 5, packet.length - 1, packet.length].find((end) => end > at) ?? 0;
        cutter.push(packet.subarray(at, next));
      }
      const raw = cutter.next();
      if (!raw) throw new Error(`nothing of ${bytes} bytes`);
      const read = readPacket(raw.head, raw.body);
      if (read.cmd !== 'publish') throw new Error(read.cmd);
      expect({ ...read, payload: read.payload.length }).to.deep.equal({
        cmd: 'publish',
        topic: 'tö',
        id: 258,
        qos: 1,
        retain: true,
        payload: bytes,
      });
      expect(read.payload.equals(payload)).to.equal(true);
    }
  });

  const table: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['a/b', ['a/b'], ['a', 'a/b/', 'a/c']],
    ['+', ['a', ''], ['a/b', '$a']],
    ['a/+/c', ['a/b/c', 'a//c'], ['a/c', 'a/b/b/c']],
    ['a/#', ['a', 'a/', 'a/b/c'], ['b', 'ab', '']],
    ['#', ['a', '/', 'a/b'], ['$SYS/x']],
    ['$x/#', ['$x/y', '$x'], ['x']],
  ];
  for (const [filter, taken, others] of table) {
    it(`the filter ${filter} takes what it should`, () => {
      expect(isFilter(filter)).to.equal(true);
      expect(taken.filter((topic) => !matches(filter, topic))).to.deep.equal([]);
      expect(others.filter((topic) => matches(filter, topic))).to.deep.equal([]);
    });
  }

  it('knows what is no filter', () => {
    const wrong = ['', 'a#', 'a/#/b', '#/', 'a+', '+a/b', 'x'.repeat(201)];
    expect(wrong.filter(isFilter)).to.deep.equal([]);
  });

  it('every name has a topic, and is found again by it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '/', '+', '#', '%', '2', 'B', '5', '\0') }), (name) => {
        const topic = topicOf(name);
        expect(topic).to.not.match(/[+#\0]/);
        expect(nameOf(topic)).to.equal(name);
      }),
    );
  });
});
