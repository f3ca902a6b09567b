import { expect } from 'chai';
import { publish } from '../../../src/embedded/mqtt-door/write-packet.js';
import { asQueueName } from '../../../src/names.js';
import { DoorStage, until } from './stage.js';

describe('messages through the MQTT door', () => {
  let stage: DoorStage;
  beforeEach(async () => {
    stage = new DoorStage();
    await stage.start();
  });
  afterEach(() => stage.end());

  it('brings what is published to the inqueue of the name of the topic, at every QoS, in order', async () => {
    const texts = await stage.take('lamp/state');
    const client = await stage.connect();
    for (const qos of [0, 1, 2] as const) await client.mqtt.publishAsync('lamp/state', `at ${qos}`, { qos });
    await until(() => texts.length >= 3, '3 messages');
    expect(texts).to.deep.equal(['at 0', 'at 1', 'at 2']);
  });

  it('brings what is published to what is bound to the queue of that name', async () => {
    const texts = await stage.take('worker.IN');
    await stage.inside.declare('outqueue', asQueueName('device.OUT'), { persistent: true });
    await stage.engine.bind({ kind: 'pubsub', source: asQueueName('device.OUT'), target: asQueueName('worker.IN') });
    const client = await stage.connect();
    await client.mqtt.publishAsync('device.OUT', 'one', { qos: 1 });
    await until(() => texts.length >= 1, 'a message');
    expect(texts).to.deep.equal(['one']);
  });

  it('gives each subscriber what others send to a queue, under its topic, also by a binding', async () => {
    const [one, two] = [await stage.connect(), await stage.connect()];
    await one.mqtt.subscribeAsync('sink.IN', { qos: 1 });
    await two.mqtt.subscribeAsync('sink.IN/#', { qos: 0 });
    await two.mqtt.subscribeAsync('sink.IN', { qos: 0 });
    await stage.inside.declare('outqueue', asQueueName('source.OUT'), { persistent: true });
    await stage.engine.bind({ kind: 'pubsub', source: asQueueName('source.OUT'), target: asQueueName('sink.IN') });
    await stage.send('source.OUT', 'bound');
    await stage.send('sink.IN', 'direct');
    await Promise.all([one.gets(2), two.gets(2)]);
    const got = { dup: false, retain: false, topic: 'sink.IN' };
    expect(one.received).to.deep.equal([
      { ...got, text: 'bound', qos: 1 },
      { ...got, text: 'direct', qos: 1 },
    ]);
    expect(two.received).to.deep.equal([
      { ...got, text: 'bound', qos: 0 },
      { ...got, text: 'direct', qos: 0 },
    ]);
  });

  it('takes wildcards as MQTT has them, one copy for each client, and tells nobody of queues of its own', async () => {
    const client = await stage.connect();
    await client.mqtt.subscribeAsync(['house/+/lamp', 'house/#'], { qos: 1 });
    const all = await stage.connect();
    await all.mqtt.subscribeAsync('#', { qos: 0 });
    for (const queue of ['house/hall/lamp', 'house', 'barn/hall/lamp', 'house/a/b']) await stage.send(queue, queue);
    expect(await client.gets(3)).to.deep.equal(['house/hall/lamp', 'house', 'house/a/b']);
    expect(await all.gets(4)).to.have.length(4);
    await stage.send('last', 'last');
    expect(await all.gets(5)).to.deep.equal(['house/hall/lamp', 'house', 'barn/hall/lamp', 'house/a/b', 'last']);
  });

  it('brings queues whose names no topic can have under escaped topics, and takes them so', async () => {
    const client = await stage.connect();
    await client.mqtt.subscribeAsync('a%2Bb/c', { qos: 1 });
    await stage.send('a+b/c', 'one');
    await stage.send('x/c', 'not for it');
    await client.mqtt.publishAsync('a%2Bb/c', 'two', { qos: 1 });
    expect(await client.gets(2)).to.deep.equal(['one', 'two']);
    expect(client.received[0]?.topic).to.equal('a%2Bb/c');
  });

  it('gives no more after UNSUBSCRIBE', async () => {
    const client = await stage.connect();
    await client.mqtt.subscribeAsync(['a', 'b'], { qos: 1 });
    await stage.send('a', '1');
    await client.gets(1);
    await client.mqtt.unsubscribeAsync('a');
    await stage.send('a', '2');
    await stage.send('b', '3');
    expect(await client.gets(2)).to.deep.equal(['1', '3']);
  });

  it('carries large messages and empty ones both ways', async () => {
    const client = await stage.connect();
    await client.mqtt.subscribeAsync('big', { qos: 1 });
    const large = 'x'.repeat(5_000_000);
    for (const text of ['', 'y'.repeat(20_000), large]) await client.mqtt.publishAsync('big', text, { qos: 1 });
    const texts = await client.gets(3);
    expect(texts.map(({ length }) => length)).to.deep.equal([0, 20_000, 5_000_000]);
    expect(texts[2] === large).to.equal(true);
  });

  it('holds a PUBACK back while a queue is full, and loses nothing', async () => {
    await stage.inside.declare('inqueue', asQueueName('full'), { persistent: true, maxLength: 5 });
    const client = await stage.connect();
    let acknowledged = 0;
    for (let n = 0; n < 1500; n += 1)
      client.mqtt.publish('full', String(n), { qos: 1 }, () => {
        acknowledged += 1;
      });
    await until(() => acknowledged >= 5, '5 acknowledged');
    const other = await stage.connect();
    await other.mqtt.publishAsync('free', 'x', { qos: 1 });
    expect(acknowledged).to.equal(5);
    const texts = await stage.take('full', { maxLength: 5 });
    await until(() => acknowledged === 1500, `all acknowledged`);
    await until(() => texts.length === 1500, 'all taken');
    expect(texts.map(Number)).to.deep.equal(Array.from({ length: 1500 }, (_, n) => n));
  });

  it('reads no more of a client of which much waits for room', async () => {
    await stage.inside.declare('inqueue', asQueueName('full'), { persistent: true, maxLength: 1 });
    const raw = await stage.raw();
    raw.hello('floods');
    await raw.gets('20020000');
    const packet = Buffer.concat(publish({ topic: 'full', payload: Buffer.alloc(1_000_000), id: 0 }));
    for (let n = 0; n < 60; n += 1) raw.send(packet);
    const other = await stage.connect();
    for (let n = 0; n < 50; n += 1) await other.mqtt.publishAsync('free', 'x', { qos: 1 });
    expect(raw.socket.writableLength).to.be.above(30_000_000);
    const texts = await stage.take('full', { maxLength: 1 });
    await until(() => texts.length === 60, 'all taken');
  });

  it('carries out what a client sent before it said goodbye, also where that has to wait', async () => {
    await stage.inside.declare('inqueue', asQueueName('slow'), { persistent: true, maxLength: 2 });
    const client = await stage.connect();
    for (let n = 0; n < 10; n += 1) client.mqtt.publish('slow', String(n), { qos: 0 });
    await client.mqtt.endAsync();
    const texts = await stage.take('slow', { maxLength: 2 });
    await until(() => texts.length === 10, '10 messages');
  });

  it('feeds a client no faster than it acknowledges, and others are not held up by it', async () => {
    const slow = await stage.raw();
    slow.hello('slow');
    slow.send(0x82, 6, 0, 1, 0, 1, 'a', 1);
    await slow.gets('200200009003000101');
    const quick = await stage.connect();
    await quick.mqtt.subscribeAsync('a', { qos: 1 });
    for (let n = 0; n < 100; n += 1) await stage.send('a', String(n));
    await quick.gets(100);
    // 20 packets of 8 bytes or 9, behind the answers.
    expect(slow.hex.match(/32(06|07)000161/g)).to.have.length(20);
    slow.send(0x40, 2, 0, 1);
    await until(() => slow.hex.match(/32(06|07)000161/g)?.length === 21, 'one more');
  });
});
