import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { EmbeddedBroker, type EmbeddedBrokerOptions, readBrokerFile } from '../../src/embedded/index.js';
import { openMemoryEngine } from '../../src/engine/index.js';
import { readAddress } from '../../src/log/wire/index.js';
import { asQueueName } from '../../src/names.js';
import { encodeFrame, type Logger, silentLogger } from '../../src/support/index.js';
import type { Broker, ClientOptions } from '../../src/transport/index.js';
import { LogBroker, WIRE_VERSION } from '../../src/transport/log/index.js';
import { eventually, rejection } from '../transport/conformance/stage.js';
import { freshDir } from './broker-process.js';

const work = asQueueName('work');
const out = asQueueName('out');

/** A frame as it stands on the wire. */
function frame(head: unknown, body = Buffer.alloc(0)): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(json.length);
  return encodeFrame(Buffer.concat([size, json, body]));
}
const HELLO = { op: 'hello', re: 1, version: WIRE_VERSION, id: 'scripted' };

describe('EmbeddedBroker', () => {
  let dir: string;
  let remove: () => Promise<void>;
  let running: EmbeddedBroker[];
  let closing: (() => Promise<void> | void)[];

  beforeEach(async () => {
    ({ dir, remove } = await freshDir());
    [running, closing] = [[], []];
  });
  afterEach(async () => {
    for (const close of closing) await close();
    for (const broker of running) await broker.stop();
    await remove();
  });

  async function listen(options: Partial<EmbeddedBrokerOptions> = {}): Promise<EmbeddedBroker> {
    const broker = await EmbeddedBroker.listen({ dir, log: silentLogger, ...options });
    running.push(broker);
    return broker;
  }
  function client(address: string, options: Partial<ClientOptions> = {}): Broker {
    const made = new LogBroker(new URL(address), { id: 'spec', ...options }, silentLogger);
    closing.push(() => made.close({ graceMs: 0 }));
    return made;
  }
  async function connected(address: string, options: Partial<ClientOptions> = {}): Promise<Broker> {
    const made = client(address, options);
    await made.connect();
    return made;
  }
  async function scripted(broker: EmbeddedBroker): Promise<Socket> {
    const address = readAddress(broker.door);
    if (address.kind !== 'ipc') throw new Error('not a socket file');
    const socket = connect(address.path);
    closing.push(() => void socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  describe('its place', () => {
    it('is refused while another broker answers there: MSGFLO_BROKER_RUNNING', async () => {
      const first = await listen();
      const error = await rejection(listen(), 'MSGFLO_BROKER_RUNNING');
      expect(error.message).to.equal(`a broker is already running here: process ${process.pid} in ${dir}`);
      await connected(first.address);
    });

    it('is a port of the loopback interface where the path is too long for a socket', async () => {
      const deep = join(dir, 'a'.repeat(100));
      await mkdir(deep);
      const broker = await listen({ dir: deep });
      expect(broker.door).to.match(/^tcp:\/\/127\.0\.0\.1:\d+$/);
      const user = await connected(broker.address);
      await user.declare('inqueue', work);
      expect(await user.depths([work])).to.have.length(1);
    });

    it('is left also when that cannot be noted on a full disk', async function () {
      const small = join(dir, 'small');
      await mkdir(small);
      const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]);
      if (status !== 0) return this.skip(); // needs root
      try {
        const broker = await listen({ dir: small });
        await writeFile(join(small, 'filler'), Buffer.alloc(64 * 1024)).catch(() => undefined); // as much as goes in
        await broker.stop();
        expect(broker.clients).to.equal(0);
      } finally {
        spawnSync('umount', [small]);
      }
    });

    it('asks for the token there: MSGFLO_REFUSED, at once', async () => {
      const broker = await listen({ tcp: true });
      const wrong = client(`${broker.door.replace('tcp:', 'log:')}?token=guessed`);
      const error = await rejection(wrong.connect(), 'MSGFLO_REFUSED');
      expect(error.message).to.equal('wrong token');
    });
  });

  describe('its door for MQTT', () => {
    const mqtt = { host: '127.0.0.1', port: 0 };

    it('is found in broker.json, at the same port and with the same token after a restart', async () => {
      const first = await listen({ mqtt });
      const before = (await readBrokerFile(dir))?.mqtt;
      expect(before).to.match(/^mqtt:\/\/msgflo:[\w-]{43}@127\.0\.0\.1:\d+$/);
      await first.stop();
      expect(await readBrokerFile(dir)).to.equal(undefined);
      await listen({ mqtt });
      expect((await readBrokerFile(dir))?.mqtt).to.equal(before);
    });

    it('is at another port when somebody has taken the last one; one that was asked for is insisted on', async () => {
      const first = await listen({ mqtt });
      const port = Number(new URL((await readBrokerFile(dir))?.mqtt ?? '').port);
      await first.stop();
      const thief = createServer().listen(port, '127.0.0.1');
      await once(thief, 'listening');
      closing.push(() => void thief.close());
      const error = await rejection(listen({ mqtt: { ...mqtt, port } }), 'MSGFLO_USAGE');
      expect(error.message).to.match(new RegExp(`^MQTT clients cannot come to 127.0.0.1:${port}: .*EADDRINUSE`));
      await listen({ mqtt });
      expect((await readBrokerFile(dir))?.mqtt).to.not.include(`:${port}`);
    });

    it('is none where nobody asked for it', async () => {
      await listen();
      expect(await readBrokerFile(dir)).to.deep.equal({ address: `log://${dir}?start=false`, pid: process.pid });
    });
  });

  describe('a client that breaks the rules', () => {
    const huge = Buffer.alloc(4);
    huge.writeUInt32BE(0xfffffff0);
    const hello = frame(HELLO);
    const cases: readonly [string, Buffer][] = [
      ['greets in HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
      ['announces a frame too large', huge],
      ['sends a head that is longer than its frame', encodeFrame(Buffer.from([0, 0, 1, 0, 123]))],
      ['sends a frame too short for a head', encodeFrame(Buffer.from([0]))],
      ['sends a head that is no JSON', encodeFrame(Buffer.from([0, 0, 0, 1, 123]))],
      ['sends a head that is no object', Buffer.concat([hello, frame([1])])],
      ['does not say hello first', frame({ op: 'bindings', re: 1 })],
      ['says hello twice', Buffer.concat([hello, hello])],
      ['asks for what there is not', Buffer.concat([hello, frame({ op: 'format', re: 2 })])],
      ['leaves out a field', Buffer.concat([hello, frame({ op: 'send', re: 2, kind: 'inqueue' })])],
      [
        'has headers that are no texts',
        Buffer.concat([hello, frame({ op: 'send', re: 2, kind: 'inqueue', name: 'work', headers: { a: 1 } })]),
      ],
      [
        'declares a queue that holds nothing',
        Buffer.concat([
          hello,
          frame({ op: 'declare', re: 2, kind: 'inqueue', name: 'work', persistent: true, maxLength: 0 }),
        ]),
      ],
      [
        'goes on with a round that it never began',
        Buffer.concat([hello, frame({ op: 'visited', re: 2, round: 1, fate: 'keep', more: true })]),
      ],
      [
        'wants deliveries without bound',
        Buffer.concat([hello, frame({ op: 'consume', re: 2, consumer: 1, inqueue: 'work', prefetch: 1e9 })]),
      ],
    ];
    for (const [what, bytes] of cases) {
      it(`is cut off and counted when it ${what}; others go on`, async () => {
        const lines: string[] = [];
        const log: Logger = { ...silentLogger, warnOnce: (_key, text) => lines.push(text) };
        const broker = await listen({ log });
        const other = await connected(broker.address);
        await other.declare('inqueue', work);
        const socket = await scripted(broker);
        const closed = once(socket, 'close');
        socket.resume().write(bytes);
        await closed;
        await eventually(() => broker.counters.refused === 1, 'it to be counted');
        expect(lines).to.have.length(1);
        await other.send('inqueue', work, { data: 1 }, { mandatory: true });
        expect(broker.counters.connections).to.equal(1);
      });
    }

    it('is given back what it held when it vanishes in the middle of a frame', async () => {
      const broker = await listen();
      const other = await connected(broker.address);
      await other.declare('inqueue', work);
      await other.send('inqueue', work, { data: 'held' });
      const socket = await scripted(broker);
      socket.write(
        Buffer.concat([frame(HELLO), frame({ op: 'consume', re: 2, consumer: 1, inqueue: 'work', prefetch: 1 })]),
      );
      await eventually(async () => (await other.depths([work]))[0]?.unacked === 1, 'the delivery');
      socket.write(frame({ op: 'settle', re: 3 }).subarray(0, 9));
      socket.destroy();
      await eventually(async () => (await other.depths([work]))[0]?.ready === 1, 'it to come back');
      expect(broker.counters.refused).to.equal(0);
    });
  });

  it('refuses a client that speaks another version, and says which it speaks itself: MSGFLO_REFUSED', async () => {
    const broker = await listen();
    const socket = await scripted(broker);
    const answered = once(socket, 'data');
    socket.write(frame({ ...HELLO, version: 1 }));
    expect(String((await answered)[0])).to.include(`this broker speaks version ${WIRE_VERSION}, not 1`);
  });

  it('shows dead letters to nobody else while a client looks at them, and to others once it is gone', async () => {
    const broker = await listen();
    const [owner, looker] = [await connected(broker.address), await connected(broker.address)];
    await owner.declare('inqueue', work);
    await owner.consume(work, async () => ({ verdict: { deadLetter: 'bad' }, outputs: [] }));
    await owner.send('inqueue', work, { data: 'bad' });
    const ready = async () => (await owner.depths([asQueueName('dead-work')]))[0]?.ready;
    await eventually(async () => (await ready()) === 1, 'the dead letter');
    let leave = (): void => undefined;
    const visiting = looker.visitDeadLetters(work, async () => {
      await new Promise<void>((resolve) => {
        leave = resolve;
      });
      return 'remove';
    });
    const rejected = rejection(visiting, 'MSGFLO_NOT_CONNECTED');
    await eventually(async () => (await ready()) === 0, 'it to be shown');
    expect(await owner.visitDeadLetters(work, async () => 'keep')).to.equal(0);
    await looker.close();
    leave();
    await rejected;
    expect(await owner.visitDeadLetters(work, async () => 'remove')).to.equal(1);
    expect(broker.counters.refused).to.equal(0);
  });

  it('tells how much comes and goes, once it has been asked before', async () => {
    const broker = await listen();
    const user = await connected(broker.address);
    await user.declare('inqueue', work);
    await user.consume(work, async () => ({ verdict: 'ack', outputs: [] }));
    await eventually(async () => {
      await user.send('inqueue', work, { data: 1 });
      const [row] = await user.depths([work]);
      return (row?.inPerSecond ?? 0) > 0 && (row?.outPerSecond ?? 0) > 0;
    }, 'both rates');
  });

  it('takes a frame that comes byte by byte', async () => {
    const broker = await listen();
    const socket = await scripted(broker);
    const answered = once(socket, 'data');
    for (const byte of frame(HELLO)) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(String((await answered)[0])).to.include('"answer"');
  });

  it('drops copies for a tap that does not read, and slows nobody', async () => {
    const broker = await listen({ history: false });
    const sender = await connected(broker.address);
    const socket = await scripted(broker);
    socket.pause().write(Buffer.concat([frame(HELLO), frame({ op: 'tap', re: 2, watch: 1, name: 'out' })]));
    const before = process.memoryUsage.rss();
    const data = Buffer.alloc(1024 * 1024, 0xfe);
    await sender.declare('outqueue', out);
    for (let sent = 0; sent < 300; sent += 1) await sender.send('outqueue', out, { data });
    expect((process.memoryUsage.rss() - before) / 1024 / 1024).to.be.lessThan(200);
  });

  it('makes senders to a full inqueue wait until there is room, and lets them close meanwhile', async () => {
    const broker = await listen({ engine: await openMemoryEngine({ maxMessages: 2 }) });
    const [one, two] = [await connected(broker.address), await connected(broker.address)];
    await one.declare('inqueue', work);
    const sent: number[] = [];
    const sending = [1, 2, 3, 4].map((data) => one.send('inqueue', work, { data }).then(() => sent.push(data)));
    const given = two.send('inqueue', work, { data: 5 }).then(
      () => 'sent',
      () => 'not sent',
    );
    await eventually(() => sent.length === 2, 'two sends');
    await two.close();
    expect(await given).to.equal('not sent');
    const got: unknown[] = [];
    await one.consume(work, async ({ data }) => {
      got.push(data);
      return { verdict: 'ack', outputs: [] };
    });
    await Promise.all(sending);
    await eventually(() => got.length === 4, 'all deliveries');
    expect(got).to.deep.equal([1, 2, 3, 4]);
  });

  it('refuses a message above 62 MiB at the sender; as an output it is the failure of the handler', async () => {
    const broker = await listen();
    const user = await connected(broker.address);
    await user.declare('inqueue', work);
    const data = Buffer.alloc(64 * 1024 * 1024);
    await rejection(user.send('inqueue', work, { data }), 'MSGFLO_REFUSED');
    await user.consume(work, async () => ({ verdict: 'ack', outputs: [{ outqueue: out, data }] }));
    await user.send('inqueue', work, { data: 'small' });
    await eventually(async () => (await user.depths([asQueueName('dead-work')]))[0]?.ready === 1, 'the dead letter');
  });

  it('stops while clients are connected, and they find the next one', async () => {
    const first = await listen();
    const user = await connected(first.address);
    await user.declare('inqueue', work);
    await first.stop();
    await eventually(() => user.status === 'reconnecting', 'the loss to be noticed');
    const second = await listen();
    await user.send('inqueue', work, { data: 1 }, { mandatory: true });
    expect(second.counters.connections).to.equal(1);
  });
});
