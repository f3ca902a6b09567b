import { expect } from 'chai';
import { openMemoryEngine } from '../../../src/engine/index.js';
import { asQueueName } from '../../../src/names.js';
import { DoorStage, until } from './stage.js';

describe('sessions at the MQTT door', () => {
  let stage: DoorStage;
  beforeEach(() => {
    stage = new DoorStage();
  });
  afterEach(() => stage.end());

  const depth = (queue: string): number => {
    const [found] = stage.engine.depths([asQueueName(queue)]);
    return found ? found.ready + found.unacked : 0;
  };

  it('keeps what comes while a client with a lasting session is away, and says that it was there', async () => {
    await stage.start();
    const options = { clientId: 'lasting', clean: false };
    const before = await stage.connect(options);
    await before.mqtt.subscribeAsync('a', { qos: 1 });
    await before.mqtt.endAsync();
    await stage.send('a', 'one');
    await stage.send('a', 'two');
    const after = await stage.connect(options);
    expect(await after.gets(2)).to.deep.equal(['one', 'two']);
    await until(() => depth('$mqtt/session/lasting') === 0, 'all acknowledged');
  });

  it('gives again, marked, what was not acknowledged, in order and before what came later', async () => {
    await stage.start();
    const raw = await stage.raw();
    raw.hello('raw', { clean: false });
    raw.send(0x82, 6, 0, 1, 0, 1, 'a', 1);
    await raw.gets('200200009003000101');
    for (const text of ['1', '2', '3']) await stage.send('a', text);
    await until(() => raw.hex.includes('33'), 'three messages');
    const ids = [...raw.hex.matchAll(/3206000161(....)3/g)].map(([, id]) => Buffer.from(String(id), 'hex'));
    raw.send(0x40, 2, ids[0] ?? '');
    await until(() => depth('$mqtt/session/raw') === 2, 'one is acknowledged');
    raw.socket.destroy();
    await until(() => stage.door.counters.connections === 0, 'the connection has ended');
    await stage.send('a', '4');
    const again = await stage.raw();
    again.hello('raw', { clean: false });
    await again.gets('20020100');
    await until(() => again.hex.endsWith('34'), 'four');
    const flags = [...again.hex.matchAll(/(3[2a])06000161....(3.)/g)].map(([, head, text]) => `${head} ${text}`);
    expect(flags).to.deep.equal(['3a 32', '3a 33', '32 34']);
  });

  it('a clean session ends a lasting one, and leaves nothing itself', async () => {
    await stage.start();
    const lasting = { clientId: 'changes', clean: false };
    const first = await stage.connect(lasting);
    await first.mqtt.subscribeAsync('a', { qos: 1 });
    await first.mqtt.endAsync();
    await stage.send('a', 'lost');
    const clean = await stage.connect({ clientId: 'changes', clean: true });
    await clean.mqtt.subscribeAsync('b', { qos: 1 });
    await stage.send('b', 'got');
    expect(await clean.gets(1)).to.deep.equal(['got']);
    await clean.mqtt.endAsync();
    expect(stage.door.counters.sessions).to.equal(0);
    await stage.send('a', 'lost too');
    const raw = await stage.raw();
    raw.hello('changes', { clean: false });
    await raw.gets('20020000');
    await until(() => stage.engine.depths([asQueueName('$mqtt/clean/1')]).length === 0, 'the clean queue has gone');
  });

  it('a client id that comes again throws the older connection out, and nothing is lost', async () => {
    await stage.start();
    const one = await stage.connect({ clientId: 'same', clean: false });
    await one.mqtt.subscribeAsync('a', { qos: 1 });
    const closed = new Promise<void>((done) => one.mqtt.once('close', done));
    const two = await stage.connect({ clientId: 'same', clean: false });
    await closed;
    await stage.send('a', 'x');
    expect(await two.gets(1)).to.deep.equal(['x']);
    expect(one.texts).to.deep.equal([]);
    expect(stage.door.counters.connections).to.equal(1);
  });

  it('delivers at QoS 2 once what comes again, also over a new connection', async () => {
    await stage.start();
    const texts = await stage.take('once');
    const raw = await stage.raw();
    raw.hello('exact', { clean: false });
    raw.publish('once', 'x', { qos: 2, id: 7 });
    await raw.gets('2002000050020007');
    raw.publish('once', 'x', { qos: 2, id: 7, flags: 8 });
    await raw.gets('200200005002000750020007');
    raw.socket.destroy();
    await raw.closed;
    const again = await stage.raw();
    again.hello('exact', { clean: false });
    again.publish('once', 'x', { qos: 2, id: 7, flags: 8 });
    again.send(0x62, 2, 0, 7);
    await again.gets('200201005002000770020007');
    again.publish('once', 'y', { qos: 2, id: 7 });
    await until(() => texts.length >= 2, 'two');
    expect(texts).to.deep.equal(['x', 'y']);
  });

  it('delivers at QoS 2 once what waited for room when its connection broke and came again', async () => {
    await stage.start();
    await stage.inside.declare('inqueue', asQueueName('full'), { persistent: true, maxLength: 1 });
    await stage.send('full', 'first');
    for (const connack of ['20020000', '20020100']) {
      const raw = await stage.raw();
      raw.hello('exact', { clean: false });
      await raw.gets(connack);
      raw.publish('full', 'x', { qos: 2, id: 7, flags: connack === '20020000' ? 0 : 8 });
      raw.send(0xc0, 0);
      await raw.gets(`${connack}d000`);
      if (connack === '20020000') raw.socket.destroy();
      else {
        const texts = await stage.take('full', { maxLength: 1 });
        await raw.gets(`${connack}d00050020007`);
        await stage.send('full', 'last');
        await until(() => texts.at(-1) === 'last', 'the last');
        expect(texts).to.deep.equal(['first', 'x', 'last']);
      }
      await until(() => stage.door.counters.connections < 2, 'gone');
    }
  });

  it('drops the oldest of a session that nobody takes from, so that senders go on', async () => {
    await stage.start({ maxWaiting: 100, stallMs: 50 });
    const client = await stage.connect({ clientId: 'gone', clean: false });
    await client.mqtt.subscribeAsync('a', { qos: 1 });
    await client.mqtt.endAsync();
    for (let n = 0; n < 150; n += 1) await stage.send('a', String(n));
    await until(() => stage.door.counters.dropped >= 60, 'dropped');
    const back = await stage.connect({ clientId: 'gone', clean: false });
    const texts = await back.gets(150 - stage.door.counters.dropped);
    expect(texts.at(-1)).to.equal('149');
    expect(Number(texts[0])).to.equal(150 - texts.length);
    expect(stage.said.join()).to.include(
      "too much waits for client 'gone', which takes nothing: the oldest are dropped",
    );
  });

  it('drops the oldest of a session whose queue is full by bytes, so that senders go on', async () => {
    await stage.start({ stallMs: 50 }, await openMemoryEngine({ maxBytes: 100_000 }));
    const client = await stage.connect({ clientId: 'gone', clean: false });
    await client.mqtt.subscribeAsync('a', { qos: 1 });
    await client.mqtt.endAsync();
    const sent = Array.from({ length: 30 }, () => stage.send('a', 'x'.repeat(10_000)));
    expect(await Promise.all(sent)).to.deep.equal(sent.map(() => 'done'));
    expect(stage.door.counters.dropped).to.be.at.least(10);
  });

  it('drops the oldest of a client that is connected and takes nothing for long', async () => {
    await stage.start({ maxWaiting: 50, stallMs: 50 });
    const raw = await stage.raw();
    raw.hello('stuck');
    raw.send(0x82, 6, 0, 1, 0, 1, 'a', 1);
    await raw.gets('200200009003000101');
    for (let n = 0; n < 300; n += 1) await stage.send('a', String(n));
    await until(() => stage.door.counters.dropped > 0, 'dropped');
  });

  it('forgets a session that nobody uses', async () => {
    await stage.start({ sessionExpiryMs: 100, stallMs: 50 });
    const client = await stage.connect({ clientId: 'old', clean: false });
    await client.mqtt.subscribeAsync('a', { qos: 1 });
    await client.mqtt.endAsync();
    await stage.send('a', 'x');
    expect(stage.door.counters.sessions).to.equal(1);
    await until(() => stage.door.counters.sessions === 0, 'forgotten');
    await until(() => stage.engine.depths([asQueueName('$mqtt/session/old')]).length === 0, 'its queue is gone');
    const raw = await stage.raw();
    raw.hello('old', { clean: false });
    await raw.gets('20020000');
  });
});
