import { expect } from 'chai';
import { writeHeaders } from '../../../src/log/index.js';
import { asQueueName } from '../../../src/names.js';
import { DoorStage, until } from './stage.js';

describe('what the MQTT door keeps and tells beside the queues', () => {
  let stage: DoorStage;
  beforeEach(async () => {
    stage = new DoorStage();
    await stage.start({ maxRetained: 150 });
  });
  afterEach(() => stage.end());

  it('hands the last retained message of a topic to new subscribers, marked, and to those there not', async () => {
    const early = await stage.connect();
    await early.mqtt.subscribeAsync('lamp/#', { qos: 1 });
    const sender = await stage.connect();
    for (const text of ['on', 'off']) await sender.mqtt.publishAsync('lamp/1', text, { qos: 1, retain: true });
    await sender.mqtt.publishAsync('lamp/2', 'dim', { qos: 0, retain: true });
    await early.gets(3);
    const late = await stage.connect();
    await late.mqtt.subscribeAsync('lamp/+', { qos: 1 });
    await late.gets(2);
    expect(late.received.map(({ topic, text, retain }) => `${topic} ${text} ${retain}`).sort()).to.deep.equal([
      'lamp/1 off true',
      'lamp/2 dim true',
    ]);
    expect(early.received.map(({ text, retain }) => `${text} ${retain}`)).to.deep.equal([
      'on false',
      'off false',
      'dim false',
    ]);
  });

  it('takes no header of a sender for the mark of a retained message', async () => {
    const client = await stage.connect();
    await client.mqtt.subscribeAsync('lamp/#', { qos: 1 });
    const headers = writeHeaders({ 'mqtt-retained': 'lamp/2' });
    const output = { kind: 'outqueue', name: asQueueName('lamp/1'), headers, body: Buffer.from('on') } as const;
    stage.inside.send(output, () => undefined);
    await client.gets(1);
    expect(client.received).to.deep.equal([{ topic: 'lamp/1', text: 'on', qos: 1, dup: false, retain: false }]);
  });

  it('an empty retained message clears, and is delivered', async () => {
    const client = await stage.connect();
    await client.mqtt.publishAsync('t', 'kept', { qos: 1, retain: true });
    await client.mqtt.publishAsync('t', '', { qos: 1, retain: true });
    await client.mqtt.subscribeAsync('t', { qos: 1 });
    await client.mqtt.publishAsync('t', 'marker', { qos: 1 });
    expect(await client.gets(1)).to.deep.equal(['marker']);
  });

  it('gives many retained messages, and no more are kept than it is allowed', async () => {
    const client = await stage.connect();
    const sent = Array.from({ length: 200 }, (_, n) =>
      client.mqtt.publishAsync(`many/${n}`, String(n), { qos: 1, retain: true }),
    );
    await Promise.all(sent);
    const late = await stage.connect();
    await late.mqtt.subscribeAsync('many/#', { qos: 1 });
    await late.gets(150);
    expect(stage.said.join()).to.include("that of 'many/150' is not kept");
    await client.mqtt.publishAsync('many/0', 'again', { qos: 1, retain: true });
    const last = await stage.connect();
    await last.mqtt.subscribeAsync('many/0', { qos: 1 });
    expect(await last.gets(1)).to.deep.equal(['again']);
  });

  it('tells the will of a client that dies, not of one that says goodbye', async () => {
    const texts = await stage.take('wills');
    const will = (payload: string) => ({
      topic: 'wills',
      payload: Buffer.from(payload),
      qos: 1 as const,
      retain: true,
    });
    const dies = await stage.connect({ will: will('died') });
    const leaves = await stage.connect({ will: will('left') });
    await leaves.mqtt.endAsync();
    await dies.die();
    await until(() => texts.length >= 1, 'a will');
    const late = await stage.connect();
    await late.mqtt.subscribeAsync('wills', { qos: 1 });
    expect(await late.gets(1)).to.deep.equal(['died']);
    expect(texts).to.deep.equal(['died']);
  });

  it('tells the will of a client of which nothing is heard for longer than its keep-alive', async () => {
    const texts = await stage.take('wills');
    const raw = await stage.raw();
    raw.send(0x10, 12 + 1 + 7 + 4, 0, 4, 'MQTT', 4, 6, 0, 1, 0, 1, 'k', 0, 5, 'wills', 0, 2, 'hm');
    await raw.gets('20020000');
    await raw.closed;
    await until(() => texts.length >= 1, 'a will');
  });

  it('passes notices on both ways, and those that are kept to who comes later', async () => {
    const heard: string[] = [];
    stage.inside.watch('fbp', (body) => heard.push(body.toString()));
    await stage.engine.notify({ name: 'fbp.wiring.a+b', body: Buffer.from('wiring'), retain: true });
    const client = await stage.connect();
    await client.mqtt.subscribeAsync(['fbp', 'fbp.rollcall', 'fbp.wiring.a%2Bb'], { qos: 1 });
    await client.mqtt.publishAsync('fbp', 'from MQTT', { qos: 1 });
    await stage.engine.notify({ name: 'fbp.rollcall', body: Buffer.from('from inside'), retain: false });
    await client.gets(3);
    expect(client.received.map(({ topic, text, retain }) => `${topic} ${text} ${retain}`)).to.deep.equal([
      'fbp.wiring.a%2Bb wiring true',
      'fbp from MQTT false',
      'fbp.rollcall from inside false',
    ]);
    expect(heard).to.deep.equal(['from MQTT']);
  });

  it('a notice comes once to who asks for it by name and for everything', async () => {
    const client = await stage.connect();
    await client.mqtt.subscribeAsync(['fbp', '#'], { qos: 1 });
    await stage.engine.notify({ name: 'fbp', body: Buffer.from('announcement'), retain: false });
    await stage.send('marker', 'marker');
    expect([...(await client.gets(2))].sort()).to.deep.equal(['announcement', 'marker']);
    await stage.send('last', 'last');
    expect(await client.gets(3)).to.include('last');
  });
});
