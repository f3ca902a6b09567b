import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import type { QueueName } from '../../../src/names.js';
import type { Broker } from '../../../src/transport/index.js';
import { killed } from '../../support/child-process.js';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.js';
import { hanging } from './hanging.js';
import { eventually, Opened, Received, unique } from './harness.js';

describe('mqtt slots that nobody takes again', function () {
  this.timeout(30_000);
  const opened = new Opened();
  let mosquitto: Mosquitto;
  let sender: Broker;
  beforeEach(async () => {
    mosquitto = await startMosquitto();
    opened.later(() => mosquitto.stop());
    sender = await opened.client(mosquitto.url);
  });
  afterEach(() => opened.closeAll());

  async function consumer(queue: QueueName, source: QueueName, slot: string) {
    const client = await opened.client(mosquitto.url, { slot });
    const received = new Received();
    const consumer = await client.consume(queue, received.handler, { prefetch: 5 });
    await consumer.listenTo([source]);
    return { client, received };
  }

  it('are emptied: all that was left there comes to the others, and they take all from then on', async () => {
    const [queue, source] = [unique('in'), unique('out')];
    const [stays, dies] = [unique('stays'), unique('dies')];
    const child = await hanging(opened, mosquitto.url, queue, dies, 'certain', source);
    const { received } = await consumer(queue, source, stays);
    for (let n = 0; n < 20; n += 1) await sender.send('outqueue', source, { data: n });
    await killed(child);
    for (let n = 20; n < 40; n += 1) await sender.send('inqueue', queue, { data: n });
    await eventually(() => received.distinct.size === 20);
    await opened.router(mosquitto.url, { slotTimeoutMs: 300 });
    await received.until(40);
    const givenBack = received.deliveries.filter(({ redelivered }) => redelivered);
    expect(givenBack).to.have.length(20);
    await eventually(async () => (await kept(`msgflo/takers/+/${dies}`)).length === 0);
    for (let n = 40; n < 60; n += 1) await sender.send('outqueue', source, { data: n }, { mandatory: true });
    await received.until(60);
  });

  it('are left alone while nobody else takes from their inqueues', async () => {
    const [queue, source, dies] = [unique('in'), unique('out'), unique('dies')];
    const child = await hanging(opened, mosquitto.url, queue, dies, 'certain', source);
    for (let n = 0; n < 10; n += 1) await sender.send('outqueue', source, { data: n });
    await killed(child);
    const asked = new Received();
    const looker = await opened.client(mosquitto.url);
    await looker.watch(
      `msgflo/asked/${queue}`,
      (body) => void asked.handler({ data: `${body}`, headers: {}, redelivered: false }),
    );
    await opened.router(mosquitto.url, { slotTimeoutMs: 200 });
    await asked.until(2);
    await sender.send('outqueue', source, { data: 10 }, { mandatory: true });
    const { received } = await consumer(queue, source, dies);
    await received.until(11);
  });

  it('are not touched while their holder lives, or once it has come again', async () => {
    const [queue, source, slot] = [unique('in'), unique('out'), unique('slot')];
    const other = await consumer(queue, source, unique('other'));
    const child = await hanging(opened, mosquitto.url, queue, slot, 'certain', source);
    await opened.router(mosquitto.url, { slotTimeoutMs: 200 });
    for (let n = 0; n < 20; n += 1) await sender.send('outqueue', source, { data: n });
    await eventually(() => other.received.distinct.size === 10);
    await killed(child);
    const { received, client } = await consumer(queue, source, slot);
    await received.until(10);
    for (let n = 20; n < 40; n += 1) await sender.send('outqueue', source, { data: n });
    await eventually(() => received.distinct.size + other.received.distinct.size === 40);
    expect(client.status).to.equal('open');
    expect(received.distinct.size).to.equal(20);
  });

  async function kept(filter: string): Promise<string[]> {
    const client = await connectAsync(mosquitto.url);
    const topics: string[] = [];
    client.on('message', (topic) => topics.push(topic));
    await client.subscribeAsync([filter, 'msgflo/end']);
    const end = new Promise<void>((resolve) => client.on('message', (topic) => topic === 'msgflo/end' && resolve()));
    await client.publishAsync('msgflo/end', '');
    await end;
    await client.endAsync();
    return topics.filter((topic) => topic !== 'msgflo/end');
  }
});
