import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { DEFAULT_LIMITS } from '../../src/server/index.js';
import { fakeNetwork, names } from '../protocol/fake-network.js';
import { serversForSpecs, statusOfAttempt, TestClient, until } from './client.js';

describe('server limits', () => {
  const start = serversForSpecs();

  it('answers frames that are not JSON or not text, and goes on', async () => {
    const server = await start();
    const client = await TestClient.open(server.address);
    client.ws.send('{"protocol":');
    client.ws.send(Buffer.from([0, 1, 2, 255]));
    client.send('runtime:getruntime');
    expect(names(await client.messages(3))).to.deep.equal(['runtime:error', 'runtime:error', 'runtime:runtime']);
    expect(server.counts).to.include({ received: 3, refused: 2 });
  });

  it('closes with 1009 on a message above the limit, and serves the others', async () => {
    const server = await start();
    const [bold, meek] = [await TestClient.open(server.address), await TestClient.open(server.address)];
    bold.ws.send('x'.repeat(DEFAULT_LIMITS.maxMessageBytes + 1));
    expect((await bold.closed).code).to.equal(1009);
    meek.send('runtime:getruntime');
    await meek.messages(1);
    await until(() => server.counts.tooBig === 1);
    expect(server.counts).to.include({ clients: 2, received: 1 });
  });

  it('takes a message right at the limit', async () => {
    const server = await start({ limits: { maxMessageBytes: 1000 } });
    const client = await TestClient.open(server.address);
    client.ws.send('x'.repeat(1000));
    expect(names(await client.messages(1))).to.deep.equal(['runtime:error']);
  });

  it('refuses clients beyond the limit with 503, and lets one in when another has left', async () => {
    const server = await start({ limits: { maxClients: 2 } });
    const first = await TestClient.open(server.address);
    await TestClient.open(server.address);
    expect(await statusOfAttempt(server.address)).to.equal(503);
    expect(server.counts).to.include({ clients: 2, tooMany: 1 });
    first.ws.close();
    await first.closed;
    await until(async () => (await statusOfAttempt(server.address)) === 101);
  });

  it('closes a client that does not read, with the reason, without hurting the others', async () => {
    const components = Array.from({ length: 200 }, (_, i) => ({
      name: `C${i}`,
      description: 'x'.repeat(10_000),
      inPorts: [],
      outPorts: [],
    }));
    const network = fakeNetwork({ components: () => components });
    const server = await start({ network, limits: { maxUnreadBytes: 1_000_000 } });
    const slow = await TestClient.open(server.address);
    slow.ws.pause();
    for (let i = 0; i < 20; i += 1) slow.send('component:list');
    await until(() => server.counts.tooSlow > 0);
    const other = await TestClient.open(server.address);
    other.send('network:getstatus', { graph: 'main' });
    expect(names(await other.messages(1))).to.deep.equal(['network:status']);
    slow.ws.resume();
    expect(await slow.closed).to.deep.equal({ code: 1013, reason: 'too slow: too much is left unread' });
    expect(slow.told.length).to.be.below(20 * 201);
    expect(server.counts).to.include({ tooSlow: 1, clients: 2 });
  });

  it('stops reading a client that has too many requests unanswered, and answers all of them in the end', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const network = fakeNetwork({ graphSource: () => held.then(() => '{}') });
    const server = await start({ network, limits: { maxUnanswered: 4 } });
    const client = await TestClient.open(server.address);
    const pad = 'x'.repeat(100_000);
    for (let i = 0; i < 100; i += 1) client.send('component:getsource', { name: 'main', pad });
    await until(() => server.counts.received >= 4);
    const other = await TestClient.open(server.address);
    other.send('runtime:getruntime');
    await other.messages(1);
    expect(server.counts.received).to.be.below(20);
    release();
    expect(await client.messages(100)).to.have.length(100);
  });

  it('stops reading a client whose unanswered requests are too long together', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const network = fakeNetwork({ graphSource: () => held.then(() => '{}') });
    const server = await start({ network, limits: { maxUnansweredBytes: 5_000_000 } });
    const client = await TestClient.open(server.address);
    const pad = 'x'.repeat(2_000_000);
    for (let i = 0; i < 40; i += 1) client.send('component:getsource', { name: 'main', pad });
    await until(() => server.counts.received >= 3);
    const other = await TestClient.open(server.address);
    other.send('runtime:getruntime');
    await other.messages(1);
    expect(server.counts.received).to.equal(4);
    release();
    expect(await client.messages(40)).to.have.length(40);
  });

  it('cuts off a client that answers no ping, and keeps one that does', async () => {
    const server = await start({ limits: { pingEveryMs: 50 } });
    const alive = await TestClient.open(server.address);
    const dead = await TestClient.open(server.address, ['noflo'], { autoPong: false });
    await dead.closed;
    alive.send('runtime:getruntime');
    await alive.messages(1);
    expect(server.counts).to.include({ dead: 1, clients: 2 });
  });

  it('survives a peer that speaks neither HTTP nor WebSocket', async () => {
    const server = await start();
    const port = Number(new URL(server.address).port);
    for (const text of [
      '\u0000\u0001nonsense\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: soap\r\nConnection: upgrade\r\n\r\n',
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      socket.write(text);
      await once(socket, 'close');
    }
    const client = await TestClient.open(server.address);
    client.send('runtime:getruntime');
    await client.messages(1);
  });
});
