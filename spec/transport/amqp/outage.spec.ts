import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { silentLogger } from '../../../src/support/index.js';
import { openAmqp } from '../../../src/transport/amqp/index.js';
import { type Rabbit, startRabbit } from '../../support/rabbitmq.js';
import { eventually, rejection } from '../conformance/stage.js';
import { AmqpStage } from './stage.js';

describe('an AMQP broker that goes away', () => {
  let rabbit: Rabbit;
  let stage: AmqpStage;

  before(async function () {
    this.timeout(60_000);
    rabbit = await startRabbit();
  });
  after(async function () {
    this.timeout(20_000);
    await rabbit.stop();
  });
  beforeEach(() => {
    stage = new AmqpStage(rabbit.url);
  });
  afterEach(() => stage.clear());

  it('loses nothing of 2,000 messages on their way over two queues when it is killed among them', async function () {
    this.timeout(60_000);
    const [sender, worker, sink] = [await stage.connect(), await stage.connect(), await stage.connect()];
    const [first, out, last] = [stage.name('IN'), stage.name('OUT'), stage.name('LAST')];
    await worker.declare('inqueue', first);
    await worker.declare('outqueue', out);
    await sink.declare('inqueue', last);
    await sink.bind({ kind: 'pubsub', source: out, target: last });
    const arrived = new Set<unknown>();
    await sink.consume(
      last,
      async ({ data }) => {
        arrived.add(data);
        return { verdict: 'ack', outputs: [] };
      },
      { prefetch: 100 },
    );
    await worker.consume(
      first,
      async ({ data }) => ({ verdict: 'ack', outputs: [{ outqueue: out, data, mandatory: true }] }),
      { prefetch: 50 },
    );
    const numbers = Array.from({ length: 2000 }, (_, at) => at);
    const sending = Promise.all(numbers.map((data) => sender.send('inqueue', first, { data })));
    await eventually(() => arrived.size > 200, 'some messages');
    await rabbit.kill();
    expect(arrived.size, 'killed among them').to.be.lessThan(numbers.length);
    await eventually(() => sender.status === 'reconnecting', 'the loss to be noticed');
    await rabbit.restart();
    await sending;
    await eventually(() => arrived.size === numbers.length, 'all messages', 30_000);
  });

  it('is said to be away once, and once to be back', async function () {
    this.timeout(60_000);
    const lines: string[] = [];
    const say = (text: string): void => void lines.push(text);
    const broker = await stage.connect({ ...silentLogger, info: say, warn: say });
    await rabbit.kill();
    await eventually(() => broker.status === 'reconnecting', 'the loss to be noticed');
    await rabbit.restart();
    await eventually(() => broker.status === 'open', 'the connection', 30_000);
    expect(lines).to.have.length(2);
    expect(lines[0]).to.match(/^lost amqp:\/\/guest:\*\*\*@/);
  });

  it('does not keep close() waiting while it is away', async function () {
    this.timeout(60_000);
    const broker = await stage.connect();
    const inqueue = stage.name('IN');
    await broker.declare('inqueue', inqueue);
    await broker.consume(inqueue, async () => ({ verdict: 'ack', outputs: [] }));
    await rabbit.kill();
    await eventually(() => broker.status === 'reconnecting', 'the loss to be noticed');
    const sending = rejection(broker.send('inqueue', inqueue, { data: 1 }), 'MSGFLO_NOT_CONNECTED');
    const beganMs = performance.now();
    await broker.close({ graceMs: 100 });
    expect(performance.now() - beganMs).to.be.lessThan(2000);
    await sending;
    await rabbit.restart();
  });

  it('makes senders wait while it is short of memory, and hears acks and declarations meanwhile', async function () {
    this.timeout(60_000);
    const [sender, consumer] = [await stage.connect(), await stage.connect()];
    const inqueue = stage.name('IN');
    await consumer.declare('inqueue', inqueue);
    await sender.send('inqueue', inqueue, { data: 1 });
    await rabbit.ctl('set_vm_memory_high_watermark', '0.00001');
    let isSent = false;
    const sending = sender.send('inqueue', inqueue, { data: 2 }).then(() => {
      isSent = true;
    });
    const seen: unknown[] = [];
    await consumer.consume(inqueue, async ({ data }) => {
      seen.push(data);
      return { verdict: 'ack', outputs: [] };
    });
    await eventually(() => seen.length === 1, 'the first message');
    await consumer.declare('outqueue', stage.name('OUT'));
    const leaving = await stage.connect();
    const stuck = rejection(leaving.send('inqueue', inqueue, { data: 3 }), 'MSGFLO_NOT_CONNECTED');
    await leaving.close({ graceMs: 100 });
    await stuck;
    expect(isSent).to.equal(false);
    await rabbit.ctl('set_vm_memory_high_watermark', '0.4');
    await sending;
    await eventually(() => seen.includes(2), 'the message that waited');
  });

  it('refuses wrong credentials and unknown virtual hosts at once: MSGFLO_REFUSED', async () => {
    const wrong = new URL(rabbit.url);
    wrong.password = 'secret';
    const nowhere = new URL(rabbit.url);
    nowhere.pathname = '/nowhere';
    for (const address of [wrong, nowhere]) {
      const client = await stage.open(address);
      const error = await rejection(client.connect(), 'MSGFLO_REFUSED');
      expect(error.message).to.include(address.host).and.not.to.include('secret');
      await client.close();
    }
  });

  it('is given up with its address and the last reason when the signal aborts, also when it accepts and says nothing', async () => {
    const silent = createServer((socket) => void socket.resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const at = silent.address();
    const port = at && typeof at === 'object' ? at.port : 0;
    const addresses = [`amqp://me:secret@127.0.0.1:1`, `amqp://me:secret@127.0.0.1:${port}`];
    for (const address of addresses) {
      const client = await stage.open(new URL(address));
      const signal = AbortSignal.timeout(200);
      const error = await rejection(client.connect({ signal }), 'MSGFLO_BROKER_UNREACHABLE');
      expect(error.message).to.include(new URL(address).host).and.not.to.include('secret');
      expect(client.status).to.equal('idle');
      await client.close();
    }
    const closed = once(silent, 'close');
    silent.close();
    await closed;
  });

  it('shows the client by its name', async () => {
    const client = await openAmqp(new URL(rabbit.url), { id: 'reader-17' }, silentLogger);
    await client.connect();
    const listed = await rabbit.ctl('list_connections', 'client_properties');
    await client.close();
    expect(listed).to.include('"reader-17"').and.to.include('"reader-17 (publishing)"');
  });
});
