import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import { type Broker, type Delivery, deadLetterQueue, HEADER } from '../../../src/transport/index.js';
import type { Server } from './server.js';
import { eventually, rejection, type Stage } from './stage.js';

const MANY = 200;

export function tapSpecs(server: () => Server, stage: () => Stage): void {
  async function tapped(broker: Broker, outqueue: QueueName) {
    const seen: Delivery[] = [];
    const tap = await broker.tap(outqueue, (delivery) => seen.push(delivery));
    return { tap, seen, data: () => seen.map(({ data }) => data) };
  }

  it('shows copies to a tap, which consumes nothing', async () => {
    const broker = await stage().connect();
    const [source, target] = [await stage().outqueue(broker), await stage().inqueue(broker)];
    const inbox = await stage().collect(broker, target);
    await stage().connectEdge(broker, inbox.consumer, source, target);
    const looker = await stage().connect();
    const { tap, seen, data } = await tapped(looker, source);
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    for (const n of numbers) await broker.send('outqueue', source, { data: n, headers: { n: String(n) } });
    await eventually(() => seen.length === 20 && inbox.all.length === 20, 'all copies and all messages');
    expect(data()).to.deep.equal(numbers);
    expect(inbox.data).to.deep.equal(numbers);
    if (broker.capabilities.headers) expect(seen[7]?.headers).to.include({ n: '7' });
    await tap.cancel();
    await tap.cancel();
    await broker.send('outqueue', source, { data: 'unseen' });
    await eventually(() => inbox.data.at(-1) === 'unseen', 'the last message');
    expect(seen).to.have.length(20);
  });

  it('shows copies to every tap of an outqueue, also beside one that throws, until that one is cancelled', async () => {
    const broker = await stage().connect();
    const source = await stage().outqueue(broker);
    const bad = await broker.tap(source, () => {
      throw new Error('bad handler');
    });
    const [first, second] = [await tapped(broker, source), await tapped(broker, source)];
    await broker.send('outqueue', source, { data: 1 });
    await eventually(() => first.seen.length === 1 && second.seen.length === 1, 'both copies');
    await bad.cancel();
    await first.tap.cancel();
    await broker.send('outqueue', source, { data: 2 });
    await eventually(() => second.seen.length === 2, 'the second copy');
    expect(first.data()).to.deep.equal([1]);
  });

  it('shows each tap the copies of its own outqueue, taken and given up in any order', async () => {
    const broker = await stage().connect();
    const sources = [await stage().outqueue(broker), await stage().outqueue(broker), await stage().outqueue(broker)];
    const [a, b, c] = sources as [QueueName, QueueName, QueueName];
    const [tapA, tapB] = [await tapped(broker, a), await tapped(broker, b)];
    const cancelling = tapA.tap.cancel();
    const again = tapped(broker, a);
    await cancelling;
    const [tapA2, tapC] = [await again, await tapped(broker, c)];
    for (const source of sources) await broker.send('outqueue', source, { data: source });
    await eventually(() => [tapA2, tapB, tapC].every(({ seen }) => seen.length === 1), 'three copies');
    expect([tapA2, tapB, tapC].map(({ data }) => data())).to.deep.equal([[a], [b], [c]]);
    expect(tapA.seen).to.have.length(0);
  });

  it('refuses to tap an outqueue that does not exist, where the broker can tell, and harms no other tap', async () => {
    const broker = await stage().connect();
    const other = await tapped(broker, await stage().outqueue(broker));
    const missing = stage().name('missing');
    const outcome = await broker.tap(missing, () => undefined).catch((error: unknown) => error);
    if (outcome instanceof Error) {
      expect(outcome).to.include({ code: 'MSGFLO_QUEUE_NOT_FOUND', retryable: true, queue: missing });
    }
    const third = await stage().outqueue(broker);
    const { seen } = await tapped(broker, third);
    await broker.send('outqueue', third, { data: 1 });
    await eventually(() => seen.length === 1, 'a copy');
    expect(other.seen).to.have.length(0);
    await broker.declare('outqueue', missing);
    const late = await tapped(broker, missing);
    await broker.send('outqueue', missing, { data: 2 });
    await eventually(() => late.seen.length === 1, 'a copy of what is there now');
  });

  it(`looks on at ${MANY} outqueues at once`, async function () {
    this.timeout(30_000);
    const broker = await stage().connect();
    const sources = await Promise.all(Array.from({ length: MANY }, () => stage().outqueue(broker)));
    const taps = await Promise.all(sources.map((source) => tapped(broker, source)));
    await Promise.all(sources.map((source) => broker.send('outqueue', source, { data: source })));
    await eventually(() => taps.every(({ seen }) => seen.length === 1), 'all copies');
    expect(taps.map(({ data }) => data())).to.deep.equal(sources.map((source) => [source]));
    await Promise.all(taps.map(({ tap }) => tap.cancel()));
  });

  it('shows a message of 8 MB to who reads', async () => {
    const broker = await stage().connect();
    const source = await stage().outqueue(broker);
    const { seen } = await tapped(broker, source);
    const large = Buffer.alloc(8_000_000, 0xff);
    await broker.send('outqueue', source, { data: large });
    const copy = await eventually(() => seen[0], 'the copy');
    expect(large.equals(copy.data as Buffer)).to.equal(true);
  });

  it('shows dead letters with their reason, from now on', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const kept = await stage().hold(broker, inqueue);
    await broker.send('inqueue', inqueue, { data: 'early' });
    (await kept.next()).settle({ deadLetter: 'before anybody looked' });
    await broker.send('inqueue', inqueue, { data: 'late' });
    const late = await kept.next();
    const { seen, data } = await tapped(broker, deadLetterQueue(inqueue));
    late.settle({ deadLetter: 'no such file', headers: { [HEADER.deadError]: 'ReadError' } });
    await eventually(() => seen.length > 0, 'the dead letter');
    expect(data()).to.deep.equal(['late']);
    if (!broker.capabilities.headers) return;
    expect(seen[0]?.headers).to.include({
      [HEADER.deadReason]: 'no such file',
      [HEADER.deadError]: 'ReadError',
      [HEADER.deadQueue]: inqueue,
    });
  });

  it('refuses a tap after close(): MSGFLO_NOT_CONNECTED', async () => {
    const broker = await stage().connect();
    const source = await stage().outqueue(broker);
    await tapped(broker, source);
    await broker.close();
    await rejection(tapped(broker, source), 'MSGFLO_NOT_CONNECTED');
  });

  it('goes on looking on when the broker was killed and has come back', async function () {
    const { killAndRestart } = server();
    if (!killAndRestart) return this.skip();
    this.timeout(60_000);
    const broker = await stage().connect();
    const sources = [await stage().outqueue(broker), await stage().outqueue(broker)];
    const taps = await Promise.all(sources.map((source) => tapped(broker, source)));
    await killAndRestart();
    await eventually(
      async () => {
        for (const source of sources) await broker.send('outqueue', source, { data: 'after' });
        return taps.every(({ data }) => data().includes('after'));
      },
      'copies on both',
      30_000,
    );
  });
}
