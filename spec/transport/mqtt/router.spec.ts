import { type ChildProcess, spawn } from 'node:child_process';
import { expect } from 'chai';
import { contentHash } from '../../../src/support/index.js';
import type { Binding } from '../../../src/transport/index.js';
import { killed } from '../../support/child-process.js';
import { type Mosquitto, sharedMosquitto, startMosquitto } from '../../support/mosquitto.js';
import { eventually, flood, insist, Opened, Received, unique } from './harness.js';

describe('mqtt router', () => {
  const opened = new Opened();
  afterEach(() => opened.closeAll());
  const newBinding = (): Binding => ({ kind: 'pubsub', source: unique('out'), target: unique('in') });

  async function processes(url: string): Promise<() => Promise<ChildProcess>> {
    return async () => {
      const child = spawn(process.execPath, ['--import=tsx', ROUTER, url], { stdio: ['ignore', 'pipe', 2] });
      opened.later(() => killed(child));
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      return child;
    };
  }

  it('forwards bytes and headers as they are, the message id too, and to every target', async () => {
    const { url } = await sharedMosquitto();
    await opened.router(url);
    const client = await opened.client(url);
    const [one, two] = [new Received(), new Received()];
    const binding = newBinding();
    const other = { ...binding, target: unique('other') };
    await client.consume(binding.target, one.handler);
    await client.consume(other.target, two.handler);
    await client.bind(binding);
    await client.bind(other);
    const headers = { 'message-id': 'm7', 'created-at': '1', traceparent: 'x', 'content-type': 'text/plain' };
    await client.send('outqueue', binding.source, { data: Buffer.from([0, 255, 1]), headers }, { mandatory: true });
    await Promise.all([one.until(1), two.until(1)]);
    expect(one.deliveries[0]).to.deep.include({ data: Buffer.from([0, 255, 1]), headers });
    expect(two.deliveries[0]).to.deep.include({ data: Buffer.from([0, 255, 1]), headers });
  });

  it('is really unsubscribed once the last route of a source is unbound', async () => {
    const { url } = await sharedMosquitto();
    await opened.router(url);
    const client = await opened.client(url);
    const binding = newBinding();
    await client.bind(binding);
    await client.send('outqueue', binding.source, { data: 1 }, { mandatory: true });
    await client.unbind(binding);
    const refused = await client.send('outqueue', binding.source, { data: 2 }, { mandatory: true }).catch((e) => e);
    expect(refused).to.have.property('code', 'MSGFLO_UNROUTED');
    expect(await client.bindings()).not.to.deep.include(binding);
  });

  it('refuses to bind a queue to itself', async () => {
    const { url } = await sharedMosquitto();
    const client = await opened.client(url);
    const source = unique('loop');
    const error = await client.bind({ kind: 'pubsub', source, target: source }).catch((reason) => reason);
    expect(error).to.have.property('code', 'MSGFLO_REFUSED');
  });

  it('carries out, when it comes, the routes that were made before', async () => {
    const mosquitto = await ownMosquitto();
    const client = await opened.client(mosquitto.url);
    const binding = newBinding();
    await client.bind(binding);
    const received = new Received();
    await client.consume(binding.target, received.handler);
    const router = await opened.router(mosquitto.url);
    expect(router.status).to.equal('routing');
    await client.send('outqueue', binding.source, { data: 1 }, { mandatory: true });
    await received.until(1);
  });

  it('stands by while another works, and takes over when that one is killed', async () => {
    const mosquitto = await ownMosquitto();
    const start = await processes(mosquitto.url);
    const first = await start();
    const second = await opened.router(mosquitto.url);
    expect(second.status).to.equal('standby');
    await killed(first);
    await eventually(() => second.status === 'routing');
  });

  it('loses nothing when it is killed under load', async function () {
    this.timeout(60_000);
    const mosquitto = await ownMosquitto();
    const start = await processes(mosquitto.url);
    let router = await start();
    const client = await opened.client(mosquitto.url);
    const binding = newBinding();
    const received = new Received();
    await (await opened.client(mosquitto.url, { slot: unique('slot') })).consume(binding.target, received.handler, {
      prefetch: 50,
    });
    await client.bind(binding);
    const sends = flood(2000, (data) => client.send('outqueue', binding.source, { data }, { mandatory: true }));
    for (const count of [300, 1000]) {
      await received.until(count);
      await killed(router);
      router = await start();
    }
    await sends;
    await received.until(2000, 30_000);
  });

  it('loses nothing when the broker is killed under load and restarted', async function () {
    this.timeout(60_000);
    const mosquitto = await ownMosquitto();
    await opened.router(mosquitto.url);
    const client = await opened.client(mosquitto.url);
    const binding = newBinding();
    const received = new Received();
    const consumer = await opened.client(mosquitto.url, { slot: unique('slot') });
    await consumer.consume(binding.target, received.handler, { prefetch: 50 });
    await client.bind(binding);
    const sends = flood(600, (data) =>
      insist(
        () => client.send('outqueue', binding.source, { data }),
        () => received.distinct.has(String(data)),
      ),
    );
    await received.until(200);
    await mosquitto.kill();
    await mosquitto.restart();
    await sends;
    expect(received.distinct.size).to.equal(600);
    expect(client.status).to.equal('open');
  });

  it('takes over from one that left its presence behind and is silent', async () => {
    const mosquitto = await ownMosquitto();
    const client = await opened.client(mosquitto.url);
    await client.notify({ name: 'msgflo/router', body: Buffer.from('long dead'), retain: true });
    const router = await opened.router(mosquitto.url);
    expect(router.status).to.equal('standby');
    await eventually(() => router.status === 'routing');
  });

  it('ignores what is no route, and a route from a queue to itself', async () => {
    const mosquitto = await ownMosquitto();
    const client = await opened.client(mosquitto.url);
    const self = unique('self');
    await client.notify({ name: 'msgflo/routes/nonsense', body: Buffer.from('{'), retain: true });
    const loop = { source: self, target: self };
    const body = Buffer.from(JSON.stringify({ route: 1, kind: 'pubsub', ...loop }));
    await client.notify({ name: `msgflo/routes/${contentHash(loop)}`, body, retain: true });
    await opened.router(mosquitto.url);
    const binding = newBinding();
    const received = new Received();
    await client.consume(binding.target, received.handler);
    await client.bind(binding);
    await client.send('outqueue', binding.source, { data: 1 }, { mandatory: true });
    await received.until(1);
    const refused = await client.send('outqueue', self, { data: 1 }, { mandatory: true }).catch((error) => error);
    expect(refused).to.have.property('code', 'MSGFLO_UNROUTED');
  });

  async function ownMosquitto(): Promise<Mosquitto> {
    const mosquitto = await startMosquitto();
    opened.later(() => mosquitto.stop());
    return mosquitto;
  }
});

const ROUTER = new URL('./router-process.ts', import.meta.url).pathname;
