import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { silentLogger } from '../../../src/support/index.js';
import { openAmqp } from '../../../src/transport/amqp/index.js';
import { deadLetterQueue } from '../../../src/transport/index.js';
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

  for (const [what, alarm, calm] of [
    ['memory', ['set_vm_memory_high_watermark', '0.00001'], ['set_vm_memory_high_watermark', '0.4']],
    ['disk', ['set_disk_free_limit', '900000GB'], ['set_disk_free_limit', '1MB']],
  ] as const) {
    it(`makes senders wait while it is short of ${what}, says so, and hears acks and declarations meanwhile`, async function () {
      this.timeout(60_000);
      const lines: string[] = [];
      const say = (text: string): void => void lines.push(text);
      const sender = await stage.connect({ ...silentLogger, info: say, warn: say });
      const consumer = await stage.connect();
      const inqueue = stage.name('IN');
      await consumer.declare('inqueue', inqueue);
      await Promise.all([1, 2, 3].map((data) => sender.send('inqueue', inqueue, { data })));
      await rabbit.ctl(...alarm);
      try {
        let isSent = false;
        const sending = Promise.all([4, 5, 6].map((data) => sender.send('inqueue', inqueue, { data }))).then(() => {
          isSent = true;
        });
        await eventually(() => lines.length > 0, 'the alarm to be said');
        expect(lines).to.have.length(1);
        expect(lines[0]).to.match(new RegExp(`^RabbitMQ holds back senders: low on ${what}`));
        const seen: unknown[] = [];
        await consumer.consume(inqueue, async ({ data }) => {
          seen.push(data);
          return { verdict: 'ack', outputs: [] };
        });
        await eventually(() => seen.length === 3, 'what was sent before');
        await eventually(async () => (await consumer.depths([inqueue]))[0]?.ready === 0, 'the queue to be empty');
        await consumer.declare('outqueue', stage.name('OUT'));
        const others: string[] = [];
        const leaving = await stage.connect({ ...silentLogger, info: (text) => others.push(text) });
        const stuck = rejection(leaving.send('inqueue', inqueue, { data: 7 }), 'MSGFLO_NOT_CONNECTED');
        await leaving.close({ graceMs: 100 });
        await stuck;
        expect(others, 'who leaves does not know that it is over').to.deep.equal([]);
        expect(isSent).to.equal(false);
        await rabbit.ctl(...calm);
        await sending;
        await eventually(() => seen.length >= 6, 'the messages that waited');
        expect(seen.filter((data) => data !== 7)).to.deep.equal([1, 2, 3, 4, 5, 6]);
        expect(lines.slice(1)).to.deep.equal(['RabbitMQ takes messages again']);
      } finally {
        await rabbit.ctl(...calm);
      }
    });
  }

  it('hands a delivery that is never settled to another consumer after its consumer timeout, said once', async function () {
    this.timeout(60_000);
    const evaluate = (expression: string): Promise<string> => rabbit.ctl('eval', expression);
    await evaluate(
      'application:set_env(rabbit, consumer_timeout, 500), application:set_env(rabbit, channel_tick_interval, 200).',
    );
    try {
      const warnings: string[] = [];
      const log = { ...silentLogger, warnOnce: (_key: string, text: string): void => void warnings.push(text) };
      const [stuck, other] = [await stage.connect(log), await stage.connect()];
      const inqueue = stage.name('IN');
      await stuck.declare('inqueue', inqueue);
      const held: unknown[] = [];
      await stuck.consume(inqueue, ({ data }) => {
        held.push(data);
        return held.length === 1 ? new Promise(() => undefined) : Promise.resolve({ verdict: 'ack', outputs: [] });
      });
      await stuck.send('inqueue', inqueue, { data: 'first' });
      await eventually(() => held.length === 1, 'the delivery that is never settled');
      const seen: unknown[] = [];
      await other.consume(inqueue, async ({ data, redelivered }) => {
        seen.push([data, redelivered]);
        return { verdict: 'ack', outputs: [] };
      });
      for (let data = 0; data < 5; data += 1) await other.send('inqueue', inqueue, { data });
      await eventually(() => seen.length === 5, 'the others meanwhile');
      expect(held, 'the bound of the one that hangs').to.deep.equal(['first']);
      await eventually(() => warnings.length > 0, 'the timeout', 15_000);
      await eventually(() => [...held.slice(1), ...seen.slice(5).flat()].includes('first'), 'the delivery again');
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include(inqueue).and.to.include('consumer_timeout');
      await eventually(async () => {
        await other.send('inqueue', inqueue, { data: 'after' });
        return held.length > 1;
      }, 'its channel to be made anew');
    } finally {
      await evaluate(
        'application:set_env(rabbit, consumer_timeout, 1800000), application:set_env(rabbit, channel_tick_interval, 60000).',
      );
    }
  });

  it('breaks off a look at dead letters with an error that says so, and the letters stay', async function () {
    this.timeout(30_000);
    const broker = await stage.connect();
    const inqueue = stage.name('IN');
    await broker.declare('inqueue', inqueue);
    for (const data of [0, 1, 2]) await broker.send('outqueue', deadLetterQueue(inqueue), { data });
    const round = broker.visitDeadLetters(inqueue, async ({ body }) => {
      if (body.toString() === '0') return 'remove';
      await rabbit.ctl('close_all_connections', 'spec');
      await eventually(() => broker.status === 'reconnecting' || broker.status === 'open', 'the loss');
      return 'remove';
    });
    const error = await rejection(round, 'MSGFLO_BROKER_UNREACHABLE');
    expect(error.message).to.include(inqueue).and.to.include('at letter 2, which stays');
    const left: string[] = [];
    await broker.visitDeadLetters(inqueue, async ({ body }) => {
      left.push(body.toString());
      return 'keep';
    });
    expect(left).to.deep.equal(['1', '2']);
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
