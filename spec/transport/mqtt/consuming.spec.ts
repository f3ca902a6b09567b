import { expect } from 'chai';
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt';
import { type Delivery, type KeptLetter, timeOf } from '../../../src/transport/index.js';
import { keepingLogger } from '../../participant/network.js';
import { killed } from '../../support/child-process.js';
import { sharedMosquitto, startMosquitto } from '../../support/mosquitto.js';
import { hanging } from './hanging.js';
import { eventually, Opened, Received, unique } from './harness.js';

describe('mqtt consuming', () => {
  const opened = new Opened();
  afterEach(() => opened.closeAll());

  it('gives 20 of 20 to the next holder of a slot after kill -9 of the last', async () => {
    const { url } = await sharedMosquitto();
    const queue = unique('killed');
    const slot = unique('worker');
    const child = await hanging(opened, url, queue, slot);
    const sender = await opened.client(url);
    for (let n = 0; n < 20; n += 1) await sender.send('inqueue', queue, { data: n });
    await killed(child);
    const received = new Received();
    const next = await opened.client(url, { slot });
    await next.consume(queue, received.handler, { prefetch: 5 });
    await received.until(20);
    expect(received.deliveries.some(({ redelivered }) => redelivered)).to.equal(true);
  });

  it('shares an inqueue between two instances: each message goes to one', async () => {
    const { url } = await sharedMosquitto();
    const queue = unique('shared');
    const [one, two] = [new Received(), new Received()];
    await (await opened.client(url, { slot: unique('a') })).consume(queue, one.handler, { prefetch: 10 });
    await (await opened.client(url, { slot: unique('b') })).consume(queue, two.handler, { prefetch: 10 });
    const sender = await opened.client(url);
    for (let n = 0; n < 100; n += 1) await sender.send('inqueue', queue, { data: n });
    await eventually(() => one.data.length + two.data.length >= 100);
    expect(new Set([...one.data, ...two.data]).size).to.equal(100);
    expect(one.data.length + two.data.length).to.equal(100);
    expect(Math.min(one.data.length, two.data.length)).to.be.above(20);
  });

  it('gives both inqueues of one client what the source that both listen to sends, once', async () => {
    const { url } = await sharedMosquitto();
    const client = await opened.client(url, { slot: unique('two') });
    const [source, left, right] = [unique('src'), new Received(), new Received()];
    await (await client.consume(unique('left'), left.handler)).listenTo([source]);
    await (await client.consume(unique('right'), right.handler)).listenTo([source]);
    for (let n = 0; n < 10; n += 1) await client.send('outqueue', source, { data: n }, { mandatory: true });
    await Promise.all([left.until(10), right.until(10)]);
    expect([left.data.length, right.data.length]).to.deep.equal([10, 10]);
  });

  it('drops what a remembered subscription brings once the source is no source any more, and unsubscribes', async () => {
    const { url } = await sharedMosquitto();
    const [queue, slot, old, fresh] = [unique('in'), unique('slot'), unique('old'), unique('new')];
    const before = await opened.client(url, { slot });
    await (await before.consume(queue, new Received().handler)).listenTo([old]);
    await before.close();
    const sender = await opened.client(url);
    await sender.send('outqueue', old, { data: 'stale' }, { mandatory: true });
    await sender.send('inqueue', queue, { data: 'mine' });
    const received = new Received();
    const after = await opened.client(url, { slot });
    const consumer = await after.consume(queue, received.handler);
    await consumer.listenTo([fresh]);
    await sender.send('outqueue', fresh, { data: 'fresh' }, { mandatory: true });
    await received.until(2);
    expect(received.data).to.deep.equal(['mine', 'fresh']);
    const isUnrouted = (error: unknown): boolean => error instanceof Error && error.name === 'UnroutedError';
    await eventually(async () => {
      return sender.send('outqueue', old, { data: 'stale' }, { mandatory: true }).then(() => false, isUnrouted);
    });
  });

  it('hands over what was sent before a source was taken from the list, however late it comes', async () => {
    const { url } = await sharedMosquitto();
    const [queue, source] = [unique('in'), unique('src')];
    const client = await opened.client(url, { slot: unique('slot') });
    const data: unknown[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const consumer = await client.consume(queue, async (delivery) => {
      await held;
      data.push(delivery.data);
      return { verdict: 'ack', outputs: [] };
    });
    await consumer.listenTo([source]);
    const sender = await opened.client(url);
    const all = Array.from({ length: 300 }, (_, n) => n);
    await Promise.all(all.map((n) => sender.send('outqueue', source, { data: n }, { mandatory: true })));
    await consumer.listenTo([]);
    release();
    await eventually(() => data.length >= all.length);
    expect(data).to.have.members(all);
  });

  it('stops one that listened to a source when it is taken from the list', async () => {
    const { url } = await sharedMosquitto();
    const [queue, source] = [unique('in'), unique('src')];
    const client = await opened.client(url);
    const received = new Received();
    const consumer = await client.consume(queue, received.handler);
    await consumer.listenTo([source]);
    await client.send('outqueue', source, { data: 1 }, { mandatory: true });
    await consumer.listenTo([]);
    const error = await client.send('outqueue', source, { data: 2 }, { mandatory: true }).catch((reason) => reason);
    expect(error).to.have.property('code', 'MSGFLO_UNROUTED');
  });

  it('hands a requeued message over again, marked as redelivered', async () => {
    const { url } = await sharedMosquitto();
    const client = await opened.client(url);
    const queue = unique('requeue');
    const seen: boolean[] = [];
    await client.consume(queue, async ({ redelivered }: Delivery) => {
      seen.push(redelivered);
      return { verdict: seen.length < 3 ? 'requeue' : 'ack', outputs: [] };
    });
    await client.send('inqueue', queue, { data: 1 });
    await eventually(() => seen.length === 3);
    expect(seen).to.deep.equal([false, true, true]);
  });

  it('sends no header for the time of creation, which the id tells, unless it is another', async () => {
    const { url } = await sharedMosquitto();
    const client = await opened.client(url);
    const queue = unique('stamped');
    const looker = await connectAsync(url, { protocolVersion: 5 });
    opened.later(() => looker.endAsync(true));
    await looker.subscribeAsync(queue);
    const sent = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
      const message = nextMessage(looker);
      await client.send('inqueue', queue, { data: 1, headers });
      return (await message).properties?.userProperties;
    };
    const made = Object(await sent({ colour: 'red' }));
    expect(made).to.have.all.keys('message-id', 'colour');
    expect(timeOf(made['message-id'])).to.be.closeTo(Date.now(), 10_000);
    expect(await sent({ 'created-at': '1' })).to.include({ 'created-at': '1' });
    expect(await sent({ 'message-id': 'mine' })).to.have.all.keys('message-id', 'created-at');
  });

  it('keeps a dead letter for who comes later, with its reason', async () => {
    const { url } = await sharedMosquitto();
    const client = await opened.client(url);
    const queue = unique('poison');
    await client.consume(queue, async () => {
      throw new Error('no good');
    });
    await client.send('inqueue', queue, { data: { bad: 1 }, headers: { 'message-id': 'm1' } });
    const looker = await connectAsync(url, { protocolVersion: 5 });
    opened.later(() => looker.endAsync(true));
    const kept = nextMessage(looker);
    await looker.subscribeAsync(`dead/${queue}/+`);
    const packet = await kept;
    expect(packet.topic).to.match(new RegExp(`^dead/${queue}/m1-[0-9a-f]{8}$`));
    expect(JSON.parse(packet.payload.toString())).to.deep.equal({ bad: 1 });
    expect(packet.properties?.userProperties).to.include({
      'msgflo-dead-reason': 'no good',
      'msgflo-dead-queue': queue,
    });
  });

  it('keeps of a dead letter what the broker takes; what it does not take at all is tried again, and told', async () => {
    const mosquitto = await startMosquitto({ config: ['max_packet_size 2000'] });
    opened.later(() => mosquitto.stop());
    const log = keepingLogger();
    const client = await opened.client(mosquitto.url, {}, log);
    const queue = unique('large');
    const seen: number[] = [];
    await client.consume(queue, async ({ data }) => {
      seen.push(String(data).length);
      return { verdict: seen.length > 4 ? 'ack' : { deadLetter: 'no good' }, outputs: [] };
    });
    const send = (chars: number, headers = {}) =>
      client.send('inqueue', queue, { data: 'x'.repeat(chars), headers: { 'message-id': `m${chars}`, ...headers } });
    await send(1000, { long: 'y'.repeat(800) });
    const letters: KeptLetter[] = [];
    await eventually(async () => {
      await client.visitDeadLetters(queue, async (letter) => {
        letters.push(letter);
        return 'remove';
      });
      return letters.length > 0;
    });
    expect(letters[0]?.headers).to.include({ 'message-id': 'm1000', 'msgflo-dead-reason': 'no good' });
    expect(letters[0]?.headers).not.to.have.property('long');
    await send(1820);
    await eventually(() => seen.length === 5);
    expect(seen).to.deep.equal([1000, 1820, 1820, 1820, 1820]);
    expect(log.lines.filter((line) => line.includes('its dead letter is refused'))).to.have.length(1);
  });

  it('takes what old programs publish at QoS 0, and they hear ours', async () => {
    const { url } = await sharedMosquitto();
    const old = await connectAsync(url, { protocolVersion: 4 });
    opened.later(() => old.endAsync(true));
    const [queue, theirs] = [unique('ours'), unique('old/in')];
    const client = await opened.client(url);
    const received = new Received();
    await client.consume(queue, received.handler, { prefetch: 2 });
    for (let n = 0; n < 50; n += 1) old.publish(queue, JSON.stringify(n));
    await received.until(50);
    const heard = nextMessage(old);
    await old.subscribeAsync(theirs);
    await client.send('inqueue', theirs, { data: { hello: 1 } });
    expect(JSON.parse((await heard).payload.toString())).to.deep.equal({ hello: 1 });
  });

  it('closes the one whose slot is taken, for good', async () => {
    const { url } = await sharedMosquitto();
    const [queue, slot] = [unique('in'), unique('slot')];
    const loser = await opened.client(url, { slot });
    await loser.consume(queue, new Received().handler);
    const winner = await opened.client(url, { slot });
    const received = new Received();
    await winner.consume(queue, received.handler);
    await eventually(() => loser.status === 'closed');
    await winner.send('inqueue', queue, { data: 1 });
    await received.until(1);
    expect(winner.status).to.equal('open');
  });

  it('gives what a client without slot leaves unsettled to the others when it closes', async () => {
    const { url } = await sharedMosquitto();
    const queue = unique('given');
    const leaver = await opened.client(url);
    const held: unknown[] = [];
    await leaver.consume(queue, ({ data }) => new Promise(() => held.push(data)), { prefetch: 2 });
    for (let n = 0; n < 10; n += 1) await leaver.send('inqueue', queue, { data: n });
    await eventually(() => held.length === 2);
    const received = new Received();
    await (await opened.client(url)).consume(queue, received.handler);
    await leaver.close({ graceMs: 10 });
    await received.until(10);
    expect(received.deliveries.every(({ redelivered }) => redelivered)).to.equal(true);
  });
});

const nextMessage = (client: MqttClient): Promise<IPublishPacket> =>
  new Promise((resolve) => client.once('message', (_topic, _payload, packet) => resolve(packet)));
