import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { Handler } from '../../../src/transport/index.js';
import { PacketStream } from '../../../src/transport/mqtt/packet-stream.js';
import { PacketWriter } from '../../../src/transport/mqtt/packet-writer.js';
import type { Incoming } from '../../../src/transport/mqtt/packets.js';
import { connectPlain } from '../../../src/transport/mqtt/plain-socket.js';
import { ReadPace } from '../../../src/transport/mqtt/read-pace.js';
import { Session } from '../../../src/transport/mqtt/session.js';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.js';
import { eventually, Opened, unique } from './harness.js';

const turn = (): Promise<void> => new Promise(setImmediate);
const puback = (packetId: number): Buffer => Buffer.from([0x40, 2, packetId >> 8, packetId & 0xff]);

describe('mqtt read pace', () => {
  /** Reads at times of a clock that is set by hand. */
  function paced(mayPause = (): boolean => true) {
    const clock = { nowMs: 0 };
    const calls: string[] = [];
    const pace = new ReadPace(
      { mayPause, pause: () => calls.push('pause'), resume: () => calls.push('resume') },
      () => clock.nowMs,
    );
    const reads = async (count: number, gapMs: number, packets = 10): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        clock.nowMs += gapMs;
        pace.wasRead(packets);
        await turn();
        pace.hurry();
      }
    };
    const pauses = (): number => calls.filter((call) => call === 'pause').length;
    return { clock, calls, pace, reads, pauses };
  }

  it('pauses after each of some reads once eight came quickly, then looks again', async () => {
    const { reads, pauses } = paced();
    await reads(8, 0.2);
    expect(pauses()).to.equal(0);
    await reads(32, 1.2);
    expect(pauses()).to.equal(32);
    await reads(8, 0.2);
    expect(pauses()).to.equal(32);
    await reads(1, 0.2);
    expect(pauses()).to.equal(33);
  });

  it('never pauses where reads are 0.4 ms apart on average, nor when the load is over', async () => {
    const { reads, pauses } = paced();
    await reads(100, 0.45);
    expect(pauses()).to.equal(0);
    await reads(12, 0.1);
    await reads(32, 5);
    const before = pauses();
    expect(before).to.be.greaterThan(0);
    await reads(100, 5);
    expect(pauses()).to.equal(before);
  });

  it('rests where a pause brings few packets', async () => {
    const { reads, pauses } = paced();
    await reads(40, 0.1, 2);
    expect(pauses()).to.equal(32);
    await reads(900, 0.1, 2);
    expect(pauses()).to.equal(32);
    await reads(200, 0.1, 2);
    expect(pauses()).to.equal(64);
  });

  it('asks whether it may when what was read has been seen to, and not at all where it may not', async () => {
    let may = false;
    const { pace, reads, calls } = paced(() => may);
    await reads(10, 0.1);
    expect(calls).to.deep.equal([]);
    pace.wasRead(1);
    may = true;
    await turn();
    expect(calls).to.deep.equal(['pause']);
    pace.end();
  });

  it('resumes by itself, at once when somebody waits, and never after its end', async () => {
    const { pace, reads, calls } = paced();
    await reads(8, 0.1);
    pace.wasRead(1);
    await turn();
    expect(pace.isPaused).to.equal(true);
    await eventually(() => !pace.isPaused);
    pace.wasRead(1);
    await turn();
    pace.hurry();
    pace.hurry();
    expect(calls).to.deep.equal(['pause', 'resume', 'pause', 'resume']);
    pace.wasRead(1);
    await turn();
    pace.end();
    pace.hurry();
    pace.wasRead(1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(calls).to.deep.equal(['pause', 'resume', 'pause', 'resume', 'pause']);
  });

  describe('on a socket', () => {
    let server: Server;
    const sockets: Socket[] = [];
    before(async () => {
      server = createServer((socket) => sockets.push(socket.setNoDelay(true).on('error', () => undefined))).listen(
        0,
        '127.0.0.1',
      );
      await once(server, 'listening');
    });
    after(() => server.close());
    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.destroy();
    });

    async function stream(mayPause?: () => boolean) {
      const { port } = server.address() as AddressInfo;
      const socket = connectPlain('127.0.0.1', port);
      const confirmed: number[] = [];
      const messages: Incoming[] = [];
      const state = { reads: 0, isClosed: false };
      const onPuback = (packetId: number): unknown => confirmed.push(packetId);
      const made = new PacketStream(socket, {
        protocol: 5,
        together: true,
        onPublish: (message) => void messages.push(message),
        onPuback,
        mayPause,
      });
      socket.on('data', () => {
        state.reads += 1;
      });
      made.on('close', () => {
        state.isClosed = true;
      });
      made.on('end', () => made.end()).resume();
      await eventually(() => sockets.length > 0);
      const [peer] = sockets.splice(0);
      if (!peer) throw new Error('nobody came');
      return { socket, peer, made, confirmed, messages, state };
    }

    /** One packet a turn, as a broker writes that is not much quicker than its reader. */
    async function writeAll(peer: Socket, count: number, from = 1): Promise<void> {
      for (let n = 0; n < count; n += 1) {
        peer.write(puback(from + n));
        await turn();
      }
    }

    const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n + 1);

    it('reads all there is, in order, in far fewer reads', async () => {
      const plain = await stream();
      await writeAll(plain.peer, 3000);
      await eventually(() => plain.confirmed.length === 3000);
      const slow = await stream(() => true);
      await writeAll(slow.peer, 3000);
      await eventually(() => slow.confirmed.length === 3000);
      expect(slow.confirmed).to.deep.equal(numbers(3000));
      expect(plain.confirmed).to.deep.equal(numbers(3000));
      expect(slow.state.reads).to.be.lessThan(plain.state.reads / 2);
      for (const { made } of [plain, slow]) made.destroy();
    });

    it('reads all that was sent before the other side left, also in a pause', async () => {
      const { socket, peer, confirmed, state } = await stream(() => true);
      let sent = 0;
      while (!socket.isPaused()) {
        sent += 1;
        await writeAll(peer, 1, sent);
      }
      await writeAll(peer, 100, sent + 1);
      peer.end(puback(sent + 101));
      await eventually(() => state.isClosed);
      expect(confirmed).to.deep.equal(numbers(sent + 101));
    });

    it('reads nothing while it is held, though a pause ends, and goes on when it is released', async () => {
      const { socket, peer, made, confirmed } = await stream(() => true);
      let sent = 0;
      while (!socket.isPaused()) {
        sent += 1;
        await writeAll(peer, 1, sent);
      }
      made.hold();
      await writeAll(peer, 50, sent + 1);
      const read = confirmed.length;
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(confirmed).to.have.lengthOf(read);
      expect(socket.isPaused()).to.equal(true);
      made.release();
      await eventually(() => confirmed.length === sent + 50);
      expect(confirmed).to.deep.equal(numbers(sent + 50));
      made.destroy();
    });

    it('keeps what it has read, also half a packet, when more is read', async () => {
      const { peer, made, messages } = await stream();
      const writer = new PacketWriter(5, (bytes) => pieces.push(bytes.subarray(0, 9), bytes.subarray(9)));
      const pieces: Buffer[] = [];
      for (const n of numbers(50)) {
        writer.publish({ topic: 't', payload: Buffer.from(`payload ${n}`), headers: { n: `${n}` } }, n);
        writer.flush();
      }
      for (const piece of pieces) {
        peer.write(piece);
        await turn();
        await turn();
      }
      await eventually(() => messages.length === 50);
      expect(messages.map(({ payload }) => String(payload))).to.deep.equal(numbers(50).map((n) => `payload ${n}`));
      made.destroy();
    });

    it('is destroyed in a pause without a trace', async () => {
      const { socket, peer, made, state } = await stream(() => true);
      for (let sent = 1; !socket.isPaused(); sent += 1) await writeAll(peer, 1, sent);
      made.destroy();
      await eventually(() => state.isClosed);
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(socket.destroyed).to.equal(true);
    });
  });

  it('lets PUBACKs of a pause wait for its end', async () => {
    const below = new PassThrough();
    const stream = new PacketStream(below, {
      protocol: 5,
      together: true,
      onPublish: () => undefined,
      onPuback: () => undefined,
      mayPause: () => true,
    });
    for (let n = 1; n <= 9; n += 1) below.emit('data', puback(n));
    await turn();
    expect(below.isPaused()).to.equal(true);
    const pieces: string[] = [];
    let isWriting = false;
    let isWrittenAtEnd = false;
    below.write = (bytes: Buffer) => {
      isWriting = true;
      queueMicrotask(() => {
        isWriting = false;
      });
      return pieces.push(bytes.toString('hex')) > 0;
    };
    below.resume = () => {
      isWrittenAtEnd = isWriting;
      return PassThrough.prototype.resume.call(below);
    };
    for (const packetId of [1, 2, 3]) stream.puback(packetId);
    await eventually(() => !below.isPaused());
    expect(pieces).to.deep.equal(['400200014002000240020003']);
    expect(isWrittenAtEnd).to.equal(true);
    stream.destroy();
  });

  describe('of a client', () => {
    const opened = new Opened();
    const { pause } = Socket.prototype;
    let pauses = 0;
    let mosquitto: Mosquitto;
    before(async () => {
      // One that does not write its data after every message, which would slow it down.
      mosquitto = await startMosquitto({ config: ['autosave_on_changes false', 'autosave_interval 60'] });
      Socket.prototype.pause = function (this: Socket) {
        pauses += 1;
        return pause.call(this);
      };
    });
    after(async () => {
      Socket.prototype.pause = pause;
      await mosquitto.stop();
    });
    afterEach(() => opened.closeAll());

    /** A session that is never paced itself. */
    async function sender(url: string): Promise<Session> {
      const session = await Session.open({
        address: new URL(url),
        protocol: 5,
        clientId: `spec-${randomUUID()}`,
        keptSeconds: 0,
        onMessage: () => undefined,
        onEnd: () => undefined,
      });
      opened.later(() => session.end());
      return session;
    }

    async function pausesOfConsumer(prefetch: number): Promise<number> {
      const [inqueue, client, session] = [
        unique('in'),
        await opened.client(mosquitto.url),
        await sender(mosquitto.url),
      ];
      let taken = 0;
      const handler: Handler = async () => {
        taken += 1;
        return { verdict: 'ack', outputs: [] };
      };
      await client.consume(inqueue, handler, { prefetch });
      const before = pauses;
      let sent = 0;
      const next = (): void => {
        if (sent === 3000) return;
        sent += 1;
        session.publish({ topic: inqueue, payload: Buffer.from('1') }, { confirmed: next });
      };
      for (let n = 0; n < 15; n += 1) next();
      await eventually(() => taken === 3000);
      return pauses - before;
    }

    async function pausesOfSender(atATime: number): Promise<number> {
      const client = await opened.client(mosquitto.url);
      const before = pauses;
      const each = Array.from({ length: atATime }, async () => {
        for (let n = 0; n < 2000 / atATime; n += 1) await client.send('outqueue', unique('out'), { data: n });
      });
      await Promise.all(each);
      return pauses - before;
    }

    it('which takes many messages at a time, is paced', async () => {
      expect(await pausesOfConsumer(100)).to.be.greaterThan(0);
    });

    it('which takes one message at a time, is not', async () => {
      expect(await pausesOfConsumer(1)).to.equal(0);
    });

    it('which sends many messages at a time, is paced', async () => {
      expect(await pausesOfSender(14)).to.be.greaterThan(0);
    });

    it('which awaits each sending, or has few on their way, is not', async () => {
      expect(await pausesOfSender(1)).to.equal(0);
      expect(await pausesOfSender(7)).to.equal(0);
    });
  });
});
