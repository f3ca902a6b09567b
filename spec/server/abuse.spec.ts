import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { Server, ServerCounts } from '../../src/server/index.js';
import {
  controlFrame,
  frame,
  RawClient,
  serversForSpecs,
  statusOfAttempt,
  TestClient,
  until,
  upgradeRequest,
} from './client.js';

const MIB = 1024 * 1024;

describe('a server among bad peers', () => {
  const start = serversForSpecs();

  /** Somebody who came before and must notice nothing. */
  async function bystander(server: Server): Promise<() => Promise<void>> {
    const client = await TestClient.open(server.address);
    let asked = 0;
    return async () => {
      asked += 1;
      client.send('network:getstatus', { graph: 'main' });
      await client.messages(asked);
    };
  }

  const unmasked = Buffer.from([0x81, 2, 0x7b, 0x7d]);
  const cases: readonly (readonly [string, Buffer, keyof ServerCounts, number])[] = [
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'malformed', 1002],
    ['a frame that is not masked', unmasked, 'malformed', 1002],
    ['a frame of a kind that there is not', frame(3, '{}'), 'malformed', 1002],
    ['a compressed frame', frame(1, '{}', { rsv: 4 }), 'malformed', 1002],
    ['the rest of a message that never began', frame(0, '{}'), 'malformed', 1002],
    ['a ping of more than 125 bytes', frame(9, 'x'.repeat(200)), 'malformed', 1002],
    ['text that is not UTF-8', frame(1, Buffer.from([0xff, 0xfe, 0xfd])), 'malformed', 1007],
    ['a close without a proper code', controlFrame(8, Buffer.from([0, 1])), 'malformed', 1002],
    ['the announcement of 50 MB', frame(1, 'x'.repeat(100), { length: 50_000_000 }), 'tooBig', 1009],
    ['the announcement of more bytes than there are', frame(1, 'x', { length: 2 ** 52 }), 'tooBig', 1009],
    ['a message in 20,000 pieces', pieces(20_000), 'tooBig', 1008],
  ];
  for (const [what, bytes, count, code] of cases) {
    it(`closes with ${code} on ${what}, counts it, and serves the others`, async () => {
      const server = await start({ limits: { requestWithinMs: 200 } });
      const ask = await bystander(server);
      const client = await RawClient.open(server.address);
      client.socket.write(bytes);
      await client.closed;
      expect(client.frames[0]).to.equal(0x88);
      expect(client.frames.readUInt16BE(2)).to.equal(code);
      expect(server.counts[count]).to.equal(1);
      await ask();
    });
  }

  it('reads a message of 50 MB to nowhere, answers 1009, and keeps none of it', async () => {
    const server = await start();
    const ask = await bystander(server);
    const client = await TestClient.open(server.address);
    const message = Buffer.alloc(50_000_000, 'x');
    const rssBefore = process.memoryUsage.rss();
    client.ws.send(message, { binary: false });
    expect((await client.closed).code).to.equal(1009);
    // What the client masks is a copy of its own, of 48 MiB; the server would need as much again, and more.
    expect((process.memoryUsage.rss() - rssBefore) / MIB).to.be.below(90);
    expect(server.counts).to.include({ tooBig: 1, received: 0 });
    await ask();
  });

  it('compresses nothing, so that nothing small can become huge', async () => {
    const server = await start();
    const client = await TestClient.open(server.address, ['noflo'], { perMessageDeflate: true });
    expect(client.ws.extensions).to.equal('');
  });

  for (const [what, text] of [
    ['says nothing', ''],
    ['stops in the middle of an upgrade', upgradeRequest().slice(0, -2)],
    ['sends an upgrade byte by byte', 'drip'],
    ['begins a request and never ends it', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx'],
  ] as const) {
    it(`closes a connection that ${what}`, async () => {
      const server = await start({ limits: { requestWithinMs: 200 } });
      const client = new RawClient(server.address);
      const bytes = [...(text === 'drip' ? upgradeRequest(`X-Pad: ${'x'.repeat(5000)}\r\n`) : '')];
      const dripping = setInterval(() => client.socket.write(bytes.shift() ?? ''), 5);
      if (text !== 'drip') client.socket.write(text);
      await client.closed;
      clearInterval(dripping);
      expect(client.text).not.to.include('101');
    });
  }

  for (const [what, text, status] of [
    ['no HTTP', '\u0000\u0001nonsense\r\n\r\n', 400],
    ['headers without an end', `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(20_000)}`, 431],
    ['an upgrade without a key', 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', 400],
  ] as const) {
    it(`answers ${what} with ${status}`, async () => {
      const server = await start();
      const client = new RawClient(server.address);
      client.socket.write(text);
      await client.closed;
      expect(client.text).to.match(new RegExp(`^HTTP/1.1 ${status} `));
    });
  }

  it('survives 10,000 connections, is there for those who came before, and for all when they have gone', async function () {
    this.timeout(60_000);
    const maxClients = 50;
    const server = await start({ host: '127.0.0.1', limits: { maxClients, requestWithinMs: 400 } });
    const ask = await bystander(server);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const address = server.address.replace('ws:', 'http:');
    await healthOf(address, agent);
    const before = openFiles();
    const rssBefore = process.memoryUsage.rss();
    let most = 0;
    let attempts = 0;
    const held: (() => void)[][] = [];
    const batch = async (size: number, attempt: () => Promise<() => void>): Promise<void> => {
      const made = await Promise.all(Array.from({ length: size }, attempt));
      attempts += size;
      most = Math.max(most, openFiles() - before);
      await ask();
      expect((await healthOf(address, agent)).isReused).to.equal(true);
      // Eight batches at a time are more than what is let in.
      held.push(made);
      for (const end of held.length > 8 ? (held.shift() ?? []) : []) end();
      // Who connects faster than is accepted overflows the kernel's queue and is tried again by it after a second.
      await delay(20);
    };
    const { port } = new URL(server.address);
    const silent = async (): Promise<() => void> => socketThat(Number(port), '');
    const halfway = async (): Promise<() => void> => socketThat(Number(port), upgradeRequest().slice(0, -2));
    const upgraded = async (): Promise<() => void> => {
      const client = new TestClient(server.address);
      await Promise.race([once(client.ws, 'open'), client.closed]);
      return () => client.ws.terminate();
    };
    for (let i = 0; i < 80; i += 1) await batch(50, silent);
    for (let i = 0; i < 80; i += 1) await batch(50, halfway);
    for (let i = 0; i < 20; i += 1) await batch(100, upgraded);
    for (const end of held.flat()) end();
    expect(attempts).to.equal(10_000);
    // Both ends are in this process: those of ours are bounded, those of the other side are the batch.
    expect(most).to.be.below(1000 + maxClients + 256 + 50);
    expect((process.memoryUsage.rss() - rssBefore) / MIB).to.be.below(150);
    expect(server.counts.turnedAway).to.be.above(1000);
    expect(server.counts.tooMany).to.be.above(500);
    await until(async () => (await statusOfAttempt(server.address)) === 101);
    await until(() => openFiles() < before + 10);
    agent.destroy();
  });
});

function pieces(count: number): Buffer {
  const first = frame(1, 'x', { fin: false });
  return Buffer.concat([first, ...Array.from({ length: count }, () => frame(0, 'x', { fin: false }))]);
}

/** Connected, and either still open or thrown out. */
async function socketThat(port: number, says: string): Promise<() => void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {});
  socket.write(says);
  return () => socket.destroy();
}

async function healthOf(address: string, agent: Agent): Promise<{ readonly isReused: boolean }> {
  const request = get(`${address}/healthz`, { agent });
  const [response] = await once(request, 'response');
  await once(response.resume(), 'end');
  expect(response.statusCode).to.equal(200);
  return { isReused: request.reusedSocket };
}

const openFiles = (): number => readdirSync('/proc/self/fd').length;
