import { expect } from 'chai';
import { silentLogger } from '../../../src/support/index.js';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.js';
import { eventually, flood, insist, Opened, Received, unique } from './harness.js';

describe('mqtt outage', () => {
  const opened = new Opened();
  afterEach(() => opened.closeAll());

  async function ownMosquitto(config: readonly string[] = []): Promise<Mosquitto> {
    const mosquitto = await startMosquitto({ config });
    opened.later(() => mosquitto.stop());
    return mosquitto;
  }

  it('carries on after the broker was killed under load and restarted', async function () {
    this.timeout(60_000);
    const mosquitto = await ownMosquitto();
    const [sender, receiver] = [
      await opened.client(mosquitto.url),
      await opened.client(mosquitto.url, { slot: unique('slot') }),
    ];
    const received = new Received();
    const [queue, source] = [unique('in'), unique('out')];
    const consumer = await receiver.consume(queue, received.handler, { prefetch: 20 });
    await consumer.listenTo([source]);
    const sends = flood(1000, (data) =>
      insist(
        () => sender.send('outqueue', source, { data }),
        () => received.distinct.has(String(data)),
      ),
    );
    await received.until(300);
    await mosquitto.kill();
    await mosquitto.restart();
    await sends;
    expect(received.distinct.size).to.equal(1000);
    expect([sender.status, receiver.status]).to.deep.equal(['open', 'open']);
  });

  it('sends when the broker is back what was sent while it was away', async () => {
    const mosquitto = await ownMosquitto();
    const client = await opened.client(mosquitto.url);
    const queue = unique('away');
    const received = new Received();
    await client.consume(queue, received.handler);
    await mosquitto.kill();
    await eventually(() => client.status === 'reconnecting');
    const sends = [1, 2, 3].map((data) =>
      insist(
        () => client.send('inqueue', queue, { data }),
        () => received.distinct.has(String(data)),
      ),
    );
    await mosquitto.restart();
    await Promise.all(sends);
  });

  it('says once that a connection is lost, and once that it is back', async () => {
    const mosquitto = await ownMosquitto();
    const said: string[] = [];
    const [info, warn] = [(text: string) => void said.push(text), (text: string) => void said.push(text)];
    await opened.client(mosquitto.url, {}, { ...silentLogger, info, warn });
    await mosquitto.kill();
    await mosquitto.restart();
    await eventually(() => said.includes('the publishing connection is back'));
    expect(said.map((text) => text.replace(/ \(.*\)/, ''))).to.deep.equal([
      'lost the publishing connection, reconnecting',
      'the publishing connection is back',
    ]);
  });

  it('closes while the broker is away', async () => {
    const mosquitto = await ownMosquitto();
    const client = await opened.client(mosquitto.url, { slot: unique('slot') });
    await client.consume(unique('in'), new Received().handler);
    await mosquitto.kill();
    await eventually(() => client.status === 'reconnecting');
    const lost = client.send('outqueue', unique('out'), { data: 1 }).catch((error) => error);
    await client.close({ graceMs: 100 });
    expect(client.status).to.equal('closed');
    expect(await lost).to.have.property('code', 'MSGFLO_NOT_CONNECTED');
  });

  it('connects once the broker comes up', async () => {
    const mosquitto = await ownMosquitto();
    await mosquitto.kill();
    const opening = opened.client(mosquitto.url);
    await mosquitto.restart();
    expect((await opening).status).to.equal('open');
    expect((await opening).capabilities.headers).to.equal(true);
  });

  it('refuses a message that the broker would cut the connection at: MSGFLO_REFUSED', async () => {
    const mosquitto = await ownMosquitto(['max_packet_size 10000']);
    const client = await opened.client(mosquitto.url);
    const error = await client.send('outqueue', unique('big'), { data: 'x'.repeat(20_000) }).catch((reason) => reason);
    expect(error).to.have.property('code', 'MSGFLO_REFUSED');
    await client.send('outqueue', unique('small'), { data: 'x' });
  });
});
