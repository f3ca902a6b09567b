import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import type { QueueName } from '../../../src/names.js';
import type { Broker, ClientOptions } from '../../../src/transport/index.js';
import { killed } from '../../support/child-process.js';
import { sharedMosquitto, startMosquitto } from '../../support/mosquitto.js';
import { hanging } from './hanging.js';
import { eventually, Opened, Received, unique } from './harness.js';

describe('mqtt slots that are used only while nobody else holds them', function () {
  this.timeout(30_000);
  const opened = new Opened();
  afterEach(() => opened.closeAll());

  /** Of an inqueue, with the slot if it is free. */
  async function consumer(url: string, queue: QueueName, options: Partial<ClientOptions>) {
    const client = await opened.client(url, { slotIfFree: true, ...options });
    const received = new Received();
    await client.consume(queue, received.handler, { prefetch: 5 });
    return { client, received };
  }

  async function sendTo(queue: QueueName, sender: Broker, from: number, count: number): Promise<void> {
    for (let n = from; n < from + count; n += 1) await sender.send('inqueue', queue, { data: n });
  }

  it('gives who is started again at once what the one killed held, and what came meanwhile', async () => {
    const { url } = await sharedMosquitto();
    const [queue, slot] = [unique('again'), unique('slot')];
    const child = await hanging(opened, url, queue, slot, 'if-free');
    const sender = await opened.client(url);
    await sendTo(queue, sender, 0, 10);
    await killed(child);
    await sendTo(queue, sender, 10, 10);
    const startMs = performance.now();
    const { received } = await consumer(url, queue, { slot });
    expect(performance.now() - startMs).to.be.below(1000);
    await received.until(20);
    expect(received.data).to.have.length(20);
  });

  it('two share, and the second takes over what waits for the first once that is killed', async () => {
    const { url } = await sharedMosquitto();
    const [queue, slot] = [unique('pair'), unique('slot')];
    const child = await hanging(opened, url, queue, slot, 'if-free');
    const { received } = await consumer(url, queue, { slot });
    const sender = await opened.client(url);
    await sendTo(queue, sender, 0, 40);
    await eventually(() => received.distinct.size === 20);
    await killed(child);
    await sendTo(queue, sender, 40, 10);
    await received.until(50);
    expect(received.data).to.have.length(50);
  });

  it('takes over from one that closes, which left nothing behind, and is not disturbed in its work', async () => {
    const { url } = await sharedMosquitto();
    const [queue, slot] = [unique('leaves'), unique('slot')];
    const first = await consumer(url, queue, { slot });
    const slow = await opened.client(url, { slot, slotIfFree: true });
    const held: (() => void)[] = [];
    const seen: unknown[] = [];
    await slow.consume(
      queue,
      async ({ data }) => {
        seen.push(data);
        await new Promise<void>((resolve) => held.push(resolve));
        return { verdict: 'ack', outputs: [] };
      },
      { prefetch: 100 },
    );
    const sender = await opened.client(url);
    await sendTo(queue, sender, 0, 10);
    await eventually(() => seen.length + first.received.data.length === 10);
    const inHand = seen.length;
    await first.client.close();
    const looker = await connectAsync(url);
    opened.later(() => looker.endAsync(true));
    const words: string[] = [];
    looker.on('message', (_topic, payload) => words.push(payload.toString().split(' ')[0] ?? ''));
    await looker.subscribeAsync(`msgflo/slots/${slot}`, { qos: 1 });
    await eventually(() => words.includes('hold'));
    await sendTo(queue, sender, 10, 10);
    await eventually(() => seen.length === inHand + 10);
    for (const release of held.splice(0)) release();
    await slow.close();
    const after = await consumer(url, queue, { slot });
    await sendTo(queue, sender, 20, 1);
    await after.received.until(1);
    expect(after.received.data).to.deep.equal([20]);
  });

  it('of many that are started at once one has the slot, and all of them work', async () => {
    const { url } = await sharedMosquitto();
    const [queue, slot] = [unique('many'), unique('slot')];
    const all = await Promise.all(Array.from({ length: 6 }, () => consumer(url, queue, { slot })));
    const sender = await opened.client(url);
    await sendTo(queue, sender, 0, 120);
    const count = (): number => all.reduce((sum, { received }) => sum + received.data.length, 0);
    await eventually(() => count() >= 120);
    expect(count()).to.equal(120);
    expect(Math.min(...all.map(({ received }) => received.data.length))).to.be.above(5);
    expect(all.map(({ client }) => client.status)).to.deep.equal(all.map(() => 'open'));
  });

  it('is given up to one that takes it for certain, and the loser works on without', async () => {
    const { url } = await sharedMosquitto();
    const [queue, slot] = [unique('sure'), unique('slot')];
    const soft = await consumer(url, queue, { slot });
    const sure = await consumer(url, queue, { slot, slotIfFree: false });
    const late = await consumer(url, queue, { slot });
    const all = [soft, sure, late];
    await eventually(() => soft.client.status === 'open');
    const sender = await opened.client(url);
    await sendTo(queue, sender, 0, 60);
    const count = (): number => all.reduce((sum, { received }) => sum + received.data.length, 0);
    await eventually(() => count() >= 60);
    expect(count()).to.equal(60);
    expect(Math.min(...all.map(({ received }) => received.data.length))).to.be.above(10);
    expect(all.map(({ client }) => client.status)).to.deep.equal(['open', 'open', 'open']);
  });

  it('is not blocked for long by a holder that died with the broker', async () => {
    const mosquitto = await startMosquitto();
    opened.later(() => mosquitto.stop());
    const [queue, slot] = [unique('stale'), unique('slot')];
    const child = await hanging(opened, mosquitto.url, queue, slot, 'if-free');
    const sender = await opened.client(mosquitto.url);
    await sendTo(queue, sender, 0, 10);
    await mosquitto.save();
    await mosquitto.kill();
    await killed(child);
    await mosquitto.restart();
    const { received } = await consumer(mosquitto.url, queue, { slot });
    await received.until(10);
  });
});

describe('mqtt slots that are given up', function () {
  this.timeout(30_000);
  const opened = new Opened();
  afterEach(() => opened.closeAll());

  it('take no share any more once their client is closed, and what it held goes to the others', async () => {
    const { url } = await sharedMosquitto();
    const queue = unique('fewer');
    const stays = await opened.client(url, { slot: unique('first') });
    const received = new Received();
    await stays.consume(queue, received.handler, { prefetch: 50 });
    const leaves = await opened.client(url, { slot: unique('second'), givesUpSlot: true });
    let held = 0;
    const hang = (): Promise<never> => {
      held += 1;
      return new Promise(() => undefined);
    };
    await leaves.consume(queue, hang, { prefetch: 50 });
    const sender = await opened.client(url);
    for (let n = 0; n < 20; n += 1) await sender.send('inqueue', queue, { data: n });
    await eventually(() => held > 0 && held + received.distinct.size === 20);
    await leaves.close({ graceMs: 0 });
    for (let n = 20; n < 40; n += 1) await sender.send('inqueue', queue, { data: n });
    await eventually(() => received.distinct.size === 40);
  });
});
