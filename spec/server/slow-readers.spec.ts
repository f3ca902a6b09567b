import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type ClientOptions, WebSocket } from 'ws';
import { asPortName, asRole } from '../../src/names.js';
import { fakeNetwork, type Told } from '../protocol/fake-network.js';
import { controlFrame, RawClient, serversForSpecs, TestClient, until } from './client.js';

const MIB = 1024 * 1024;

/** A client that looks at all data and remembers only how much came, and what else was said. */
class Watcher {
  readonly ws: WebSocket;
  data = 0;
  readonly said: string[] = [];

  private constructor(address: string, options: ClientOptions) {
    this.ws = new WebSocket(address, 'noflo', options);
    this.ws.on('error', () => {});
    this.ws.on('message', (bytes: Buffer) => {
      if (bytes.subarray(0, 60).includes('"command":"data"')) this.data += 1;
      else if (!bytes.includes('"command":"started"')) this.said.push(String(bytes));
    });
  }

  static async open(address: string, options: ClientOptions = {}): Promise<Watcher> {
    const watcher = new Watcher(address, options);
    await once(watcher.ws, 'open');
    watcher.send('runtime', 'getruntime', {});
    watcher.send('network', 'start', { graph: 'main' });
    watcher.send('network', 'getstatus', { graph: 'main' });
    await until(() => watcher.said.some((text) => text.includes('"status"')));
    watcher.said.length = 0;
    return watcher;
  }

  send(protocol: string, command: string, payload: object): void {
    this.ws.send(JSON.stringify({ protocol, command, payload }));
  }
}

describe('a client that reads slowly', () => {
  const start = serversForSpecs();
  const edge = {
    from: { role: asRole('read'), port: asPortName('out') },
    to: { role: asRole('count'), port: asPortName('in') },
  };

  it('is sent less data, lives, and is told once; others get everything, and memory stays flat', async () => {
    const network = fakeNetwork();
    const server = await start({ network });
    const [slow, quick] = [await Watcher.open(server.address), await Watcher.open(server.address)];
    slow.ws.pause();
    const rssBefore = process.memoryUsage.rss();
    let rssMost = 0;
    let sent = 0;
    const text = 'x'.repeat(100_000);
    while (sent < 2000) {
      for (const data of [1, 2, 3, 4, 5].map((i) => `${sent + i} ${text}`))
        network.emit({ kind: 'data', ...edge, data });
      sent += 5;
      await until(() => quick.data === sent);
      rssMost = Math.max(rssMost, process.memoryUsage.rss());
    }
    expect((rssMost - rssBefore) / MIB).to.be.below(100);
    const { dropped } = server.counts;
    expect(dropped).to.be.within(1500, 2000);
    expect(slow.said.concat(quick.said)).to.deep.equal([]);

    slow.ws.resume();
    await until(() => slow.said.length > 0);
    const [loss] = slow.said.map((frame) => JSON.parse(frame) as Told);
    expect(loss).to.include({ protocol: 'network', command: 'output' });
    expect(loss?.payload['message']).to.include(`${dropped} copies`).and.to.include('lost');
    expect(slow.data).to.equal(2000 - dropped);

    network.emit({ kind: 'data', ...edge, data: 'again' });
    await until(() => slow.data === 2001 - dropped && quick.data === 2001);
    expect(slow.said).to.have.length(1);
    expect(server.counts).to.include({ tooSlow: 0, dropped, clients: 2 });
  });

  it('is told each time of what was lost since the last', async () => {
    const network = fakeNetwork();
    const server = await start({ network, limits: { maxUnreadDataBytes: 100_000 } });
    const slow = await Watcher.open(server.address);
    for (const times of [1, 2]) {
      const before = server.counts.dropped;
      slow.ws.pause();
      while (server.counts.dropped < before + 5) {
        network.emit({ kind: 'data', ...edge, data: 'x'.repeat(200_000) });
        await new Promise(setImmediate);
      }
      slow.ws.resume();
      await until(() => slow.said.length === times);
      expect(slow.said.at(-1)).to.include(`${server.counts.dropped - before} copies`);
    }
  });

  it('gets all it asked for, in order, however late it reads: no more is answered than it takes', async () => {
    const code = 'x'.repeat(50_000);
    const network = fakeNetwork({
      componentSource: async (name) => ({ name, language: 'javascript', code }),
    });
    const server = await start({ network });
    const client = await TestClient.open(server.address);
    client.ws.pause();
    const rssBefore = process.memoryUsage.rss();
    for (let i = 0; i < 2000; i += 1) client.send('component:getsource', { name: 'Read' }, { requestId: `${i}` });
    const other = await TestClient.open(server.address);
    for (let i = 1; i <= 50; i += 1) {
      other.send('network:getstatus', { graph: 'main' });
      await other.messages(i);
    }
    expect((process.memoryUsage.rss() - rssBefore) / MIB).to.be.below(60);
    expect(server.counts.received).to.be.below(1000);
    client.ws.resume();
    const answers = await client.messages(2000);
    expect(answers.map(({ responseTo }) => responseTo)).to.deep.equal(answers.map((_, i) => `${i}`));
    expect(server.counts).to.include({ tooSlow: 0, refused: 0 });
  });

  it('that asks 100,000 times at once is answered in order', async () => {
    const server = await start();
    const client = await TestClient.open(server.address);
    const rssBefore = process.memoryUsage.rss();
    for (let i = 0; i < 100_000; i += 1) client.send('network:getstatus', { graph: 'main' }, { requestId: `${i}` });
    const answers = await client.messages(100_000);
    expect(answers.findIndex(({ responseTo }, i) => responseTo !== `${i}`)).to.equal(-1);
    // What the client itself remembers is the most of it.
    expect((process.memoryUsage.rss() - rssBefore) / MIB).to.be.below(250);
    expect(server.counts).to.include({ tooSlow: 0, received: 100_000 });
  });

  it('is kept while it works off what waits for it, though pings lie behind that, and cut off when it does not', async () => {
    const network = fakeNetwork();
    const server = await start({ network, limits: { pingEveryMs: 200 } });
    const slow = await Watcher.open(server.address, { autoPong: false });
    for (const endMs = performance.now() + 1500; performance.now() < endMs; await delay(5)) {
      for (let i = 0; i < 20; i += 1) network.emit({ kind: 'data', ...edge, data: 'x'.repeat(100_000) });
      if (slow.ws.isPaused) slow.ws.resume();
      else slow.ws.pause();
    }
    expect(server.counts.dropped).to.be.above(0);
    expect(server.counts.dead).to.equal(0);
    slow.ws.pause();
    await until(() => server.counts.dead === 1);
    slow.ws.terminate();
  });

  it('and answers no ping is cut off, whatever little is written to it', async () => {
    const network = fakeNetwork();
    const server = await start({ network, limits: { pingEveryMs: 100 } });
    const dead = await Watcher.open(server.address, { autoPong: false });
    while (server.counts.dead === 0) {
      network.emit({ kind: 'data', ...edge, data: 'x' });
      await delay(5);
    }
    dead.ws.terminate();
  });

  it('cannot fill memory with pings: the latest is answered', async () => {
    const server = await start();
    const client = await RawClient.open(server.address);
    client.socket.pause();
    const rssBefore = process.memoryUsage.rss();
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => controlFrame(9, 'p'.repeat(125))));
    for (let i = 0; i < 40; i += 1) {
      if (!client.socket.write(pings)) await once(client.socket, 'drain');
    }
    client.socket.write(controlFrame(9, 'the last'));
    const other = await TestClient.open(server.address);
    other.send('runtime:getruntime');
    await other.messages(1);
    expect((process.memoryUsage.rss() - rssBefore) / MIB).to.be.below(60);
    client.socket.resume();
    await until(() => client.frames.subarray(-8).equals(Buffer.from('the last')));
    expect(client.frames.length).to.be.below(40 * pings.length);
  });
});
