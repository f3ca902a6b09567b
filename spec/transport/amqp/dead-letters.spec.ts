import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import { type Broker, deadLetterQueue, HEADER, type KeptLetter } from '../../../src/transport/index.js';
import { eventually, rejection } from '../conformance/stage.js';
import { AmqpStage } from './stage.js';

describe('dead letters on an AMQP broker', () => {
  const stage = AmqpStage.onSharedServer();

  /** An inqueue with so many kept dead letters, their data 0, 1, 2 ... */
  async function withDead(broker: Broker, count: number): Promise<QueueName> {
    const inqueue = stage.name('IN');
    await broker.declare('inqueue', inqueue);
    const holding = deadLetterQueue(inqueue);
    const numbers = Array.from({ length: count }, (_, data) => data);
    const headersOf = (data: number): Record<string, string> => ({ [HEADER.messageId]: `m${data}` });
    await Promise.all(numbers.map((data) => broker.send('outqueue', holding, { data, headers: headersOf(data) })));
    return inqueue;
  }

  async function kept(broker: Broker, inqueue: QueueName): Promise<KeptLetter[]> {
    const letters: KeptLetter[] = [];
    await broker.visitDeadLetters(inqueue, async (letter) => {
      letters.push(letter);
      return 'keep';
    });
    return letters;
  }

  const texts = (letters: readonly KeptLetter[]): string[] => letters.map(({ body }) => body.toString());

  it('keep their order when some are removed and a round is stopped in the middle', async () => {
    const broker = await stage.connect();
    const inqueue = await withDead(broker, 10);
    const visited = await broker.visitDeadLetters(inqueue, async ({ body }) => {
      if (body.toString() === '7') return 'stop';
      return Number(body) % 3 === 0 ? 'remove' : 'keep';
    });
    expect(visited).to.equal(8);
    expect(texts(await kept(broker, inqueue))).to.deep.equal(['1', '2', '4', '5', '7', '8', '9']);
  });

  it('are named by message id, or by their bytes, the same in each round, and each name once', async () => {
    const [broker, bare] = [await stage.connect(), await stage.bare()];
    const inqueue = await withDead(broker, 1);
    const holding = deadLetterQueue(inqueue);
    await broker.send('outqueue', holding, { data: 'again', headers: { [HEADER.messageId]: 'm0' } });
    bare.sendToQueue(holding, Buffer.from('without id'));
    const letters = await eventually(async () => {
      const found = await kept(broker, inqueue);
      return found.length === 3 && found;
    }, 'the letters');
    const keys = letters.map(({ key }) => key);
    expect(keys.slice(0, 2)).to.deep.equal(['m0', 'm0#2']);
    expect(new Set(keys).size).to.equal(3);
    expect((await kept(broker, inqueue)).map(({ key }) => key)).to.deep.equal(keys);
  });

  it('that old libraries made carry what RabbitMQ tells of their death', async () => {
    const [broker, bare] = [await stage.connect(), await stage.bare()];
    const inqueue = stage.name('IN');
    await broker.declare('inqueue', inqueue);
    await bare.consume(inqueue, (message) => message && bare.nack(message, false, false));
    await broker.send('inqueue', inqueue, { data: 'rejected', headers: { colour: 'red' } });
    const [letter] = await eventually(async () => {
      const found = await kept(broker, inqueue);
      return found.length === 1 && found;
    }, 'the dead letter');
    expect(letter?.headers).to.include({
      colour: 'red',
      [HEADER.deadReason]: 'rejected',
      [HEADER.deadQueue]: inqueue,
    });
    expect(Date.now() - Number(letter?.headers[HEADER.deadAt])).to.be.within(0, 60_000);
  });

  it('are none where there is no such queue', async () => {
    const broker = await stage.connect();
    expect(await kept(broker, stage.name('missing'))).to.deep.equal([]);
  });

  it('are seen by one round at a time', async () => {
    const [one, two] = [await stage.connect(), await stage.connect()];
    const inqueue = await withDead(one, 4);
    const others: string[] = [];
    await one.visitDeadLetters(inqueue, async ({ body }) => {
      if (body.toString() === '1') others.push(...texts(await kept(two, inqueue)));
      return 'keep';
    });
    expect(others).to.deep.equal(['2', '3']);
    expect(await kept(one, inqueue)).to.have.length(4);
  });

  it('do not go round and round when a visit makes a new one', async () => {
    const broker = await stage.connect();
    const inqueue = await withDead(broker, 3);
    const visited = await broker.visitDeadLetters(inqueue, async () => {
      await broker.send('outqueue', deadLetterQueue(inqueue), { data: 'new' });
      return 'remove';
    });
    expect(visited).to.equal(3);
    expect(texts(await kept(broker, inqueue))).to.deep.equal(['"new"', '"new"', '"new"']);
  });

  it('stay when their visit throws, or the client is closed meanwhile', async () => {
    const [broker, leaving] = [await stage.connect(), await stage.connect()];
    const inqueue = await withDead(broker, 3);
    const failing = broker.visitDeadLetters(inqueue, async ({ body }) => {
      if (body.toString() === '1') throw new TypeError('no');
      return 'remove';
    });
    expect(await failing.catch((error: unknown) => error)).to.be.instanceOf(TypeError);
    expect(texts(await kept(broker, inqueue))).to.deep.equal(['1', '2']);
    const closed = leaving.visitDeadLetters(inqueue, async () => {
      await leaving.close({ graceMs: 0 });
      return 'remove';
    });
    await rejection(closed, 'MSGFLO_NOT_CONNECTED');
    expect(texts(await kept(broker, inqueue))).to.deep.equal(['1', '2']);
  });

  it('of 20 MB are shown one at a time', async function () {
    this.timeout(30_000);
    const broker = await stage.connect();
    const inqueue = stage.name('IN');
    await broker.declare('inqueue', inqueue);
    const body = Buffer.alloc(20 * 1024 * 1024, 'x');
    for (let at = 0; at < 3; at += 1) await broker.send('outqueue', deadLetterQueue(inqueue), { data: body });
    let visited = 0;
    await broker.visitDeadLetters(inqueue, async (letter) => {
      expect(letter.body.equals(body)).to.equal(true);
      visited += 1;
      return 'remove';
    });
    expect(visited).to.equal(3);
  });

  it('whose headers are too large together lose those of the original, but not its id and its trace', async () => {
    const broker = await stage.connect();
    const inqueue = stage.name('IN');
    await broker.declare('inqueue', inqueue);
    const identity = {
      [HEADER.messageId]: 'm1',
      [HEADER.traceparent]: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      [HEADER.createdAt]: '1700000000123',
    };
    await broker.send('inqueue', inqueue, { data: 1, headers: { ...identity, large: 'x'.repeat(60_000) } });
    await broker.consume(inqueue, async () => ({
      verdict: { deadLetter: 'bad', headers: { [HEADER.deadStack]: 'y'.repeat(6000) } },
      outputs: [],
    }));
    const [letter] = await eventually(async () => {
      const found = await kept(broker, inqueue);
      return found.length === 1 && found;
    }, 'the dead letter');
    expect(letter?.headers).to.include({ ...identity, [HEADER.deadReason]: 'bad' });
    expect(letter?.headers).not.to.have.property('large');
  });
});
