import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { asPortName, asRole } from '../../src/names.js';
import { fakeNetwork, type Told } from '../protocol/fake-network.js';
import { controlFrame, RawClient, serversForSpecs, TestClient, until } from './client.js';

const MIB = 1024 * 1024;

/** A client that looks at all data and remembers only how much came, and what else was said. */
class Watcher {
  readonly ws: WebSocket;
  data = 0;
  readonly said: string[] = [];

  private constructor(address: string) {
    this.ws = new WebSocket(address, 'noflo');
    this.ws.on('error', () => {});
    this.ws.on('message', (bytes: Buffer) => {
      if (bytes.subarray(0, 60).includes('"command":"data"')) this.data += 1;
      else if (!bytes.includes('"command":"started"')) this.said.push(String(bytes));
    });
  }

  static async open(address: string): Promise<Watcher> {
    const watcher = new Watcher(address);
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

  it('is kept while it reads at all, and cut off when it reads nothing', async () => {
    const network = fakeNetwork();
    const server = await start({ network, limits: { pingEveryMs: 100 } });
    const slow = await Watcher.open(server.address);
    slow.ws.pause();
    while (server.counts.dropped === 0) {
      network.emit({ kind: 'data', ...edge, data: 'x'.repeat(100_000) });
      await new Promise(setImmediate);
    }
    await until(() => server.counts.dead === 1);
    slow.ws.terminate();
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
