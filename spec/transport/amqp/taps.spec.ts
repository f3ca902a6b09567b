import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import { deadLetterQueue } from '../../../src/transport/index.js';
import { type Rabbit, startRabbit } from '../../support/rabbitmq.js';
import { eventually, rejection } from '../conformance/stage.js';
import { AmqpStage } from './stage.js';

describe('taps on AMQP', () => {
  const stage = AmqpStage.onSharedServer();

  it('sees what an old library rejects, whose queue names an exchange that nobody made', async () => {
    const [broker, bare] = [await stage.connect(), await stage.bare()];
    const queue = stage.name('old');
    await bare.assertQueue(queue, { durable: false, autoDelete: true, deadLetterExchange: deadLetterQueue(queue) });
    const seen: unknown[] = [];
    await broker.tap(deadLetterQueue(queue), ({ data }) => seen.push(data));
    bare.sendToQueue(queue, Buffer.from('"bad"'));
    await bare.consume(queue, (message) => message && bare.nack(message, false, false));
    await eventually(() => seen.length === 1, 'the dead letter');
    expect(seen).to.deep.equal(['bad']);
  });

  it('makes no exchange for the dead letters of an inqueue that does not exist', async () => {
    const [broker, bare] = [await stage.connect(), await stage.bare()];
    const dead = deadLetterQueue(stage.name('nowhere'));
    const refused = await broker.tap(dead, () => undefined).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'MSGFLO_QUEUE_NOT_FOUND' });
    const missing = await bare.checkExchange(dead).catch((error: unknown) => error);
    expect(missing).to.have.property('code', 404);
  });

  describe('as the broker lists them', () => {
    let rabbit: Rabbit;
    const own = new AmqpStage('');
    before(async function () {
      this.timeout(60_000);
      rabbit = await startRabbit();
    });
    after(() => rabbit.stop());
    afterEach(() => own.clear());

    it('are one queue, bounded in messages and bytes, and one channel for a thousand of them', async function () {
      this.timeout(60_000);
      const broker = await own.open(new URL(rabbit.url));
      await broker.connect();
      const sources: QueueName[] = Array.from({ length: 1000 }, () => own.name('OUT'));
      await Promise.all(sources.map((source) => broker.declare('outqueue', source)));
      const seen: unknown[] = [];
      const before = await channels(rabbit);
      const taps = await Promise.all(sources.map((source) => broker.tap(source, ({ data }) => seen.push(data))));
      expect((await channels(rabbit)) - before).to.equal(1);
      const queues = await rabbit.ctl('list_queues', '-q', '--no-table-headers', 'arguments');
      expect(queues.trim().split('\n')).to.have.length(1);
      expect(queues).to.match(/x-max-length["',]+\s*1000\b/);
      expect(queues).to.match(/x-max-length-bytes["',]+\s*16777216\b/);
      await broker.send('outqueue', sources[999] as QueueName, { data: 'seen' });
      await eventually(() => seen.length === 1, 'a copy');
      await Promise.all(taps.map((tap) => tap.cancel()));
      const bindings = await rabbit.ctl('list_bindings', '-q', '--no-table-headers', 'source_name');
      expect(bindings.split('\n').filter((source) => sources.some((name) => name === source))).to.deep.equal([]);
    });

    it('can be made after all when the broker refused them for want of a permission', async () => {
      const [broker, source] = [await own.open(new URL(rabbit.url)), own.name('OUT')];
      await broker.connect();
      await broker.declare('outqueue', source);
      await rabbit.ctl('set_permissions', 'guest', '^(?!amq\\.gen).*', '.*', '.*');
      await rejection(
        broker.tap(source, () => undefined),
        'MSGFLO_REFUSED',
      );
      await rabbit.ctl('set_permissions', 'guest', '.*', '.*', '.*');
      const seen: unknown[] = [];
      await broker.tap(source, ({ data }) => seen.push(data));
      await broker.send('outqueue', source, { data: 'seen' });
      await eventually(() => seen.length === 1, 'a copy');
    });
  });
});

async function channels(rabbit: Rabbit): Promise<number> {
  return (await rabbit.ctl('list_channels', '-q', '--no-table-headers', 'pid')).trim().split('\n').length;
}
