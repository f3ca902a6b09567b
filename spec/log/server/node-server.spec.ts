import { once } from 'node:events';
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { NodeServer } from '../../../src/log/server/node-server.js';
import { servedNode } from './support.js';

describe('a node behind a socket', () => {
  const served = servedNode();

  /** The node still answers somebody else. */
  async function isAlive(): Promise<void> {
    const client = served.client();
    client.send({ type: 'ping', msgKey: 'alive' });
    expect(await client.next()).to.include({ type: 'pong', msgKey: 'alive' });
  }

  it('answers what it does not know', async () => {
    const client = served.client();
    client.send({ type: 'dance', msgKey: '1' });
    expect(await client.next()).to.include({ type: 'unknown_message', msgKey: '1', errStatus: 'unknown_message' });
    client.send({ type: 'commit', msgKey: '2', data: { records: 7 } });
    expect(await client.next()).to.include({ type: 'commit_error', msgKey: '2', errStatus: 'invalid_message' });
    client.send({ type: 'ping', msgKey: '3' });
    expect(await client.next()).to.include({ type: 'pong' });
  });

  it('carries out what comes at once in the order of arrival', async () => {
    const client = served.client();
    for (let n = 0; n < 500; n++)
      client.send({ type: 'commit', msgKey: `${n}`, data: { records: [{ topic: 't', body: { n } }] } });
    while (client.replies.length < 500) await client.next();
    const records = await served.node().range('t');
    expect(records.map(({ body }) => body.toString())).to.deep.equal(
      Array.from({ length: 500 }, (_, n) => JSON.stringify({ n })),
    );
  });

  for (const [what, bytes] of [
    ['garbage', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
    ['a frame of 4 GiB', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7b])],
    ['a frame that is no JSON', Buffer.from([0, 0, 0, 2, 0x7b, 0x7b])],
    ['a frame without a msgKey', Buffer.from('\0\0\0\x0f{"type":"ping"}')],
  ] as const)
    it(`ends the connection at ${what}, and lives`, async () => {
      const client = served.client();
      client.socket.write(bytes);
      await client.ended;
      expect(client.replies).to.deep.equal([]);
      await isAlive();
    });

  it('lives when a client leaves in the middle of a frame', async () => {
    const client = served.client();
    client.socket.end(Buffer.from([0, 0, 0x10, 0, 0x7b]));
    await client.ended;
    await isAlive();
  });

  it('reads nothing more from a client that does not read, and forgets nothing', async () => {
    const records = Array.from({ length: 300 }, () => ({
      topic: 't',
      body: Buffer.from(`{"a":"${'x'.repeat(10_000)}"}`),
    }));
    await served.node().commit(records);
    const client = served.client();
    client.socket.pause();
    // 3 MB each: 300 MB that nobody reads.
    for (let n = 0; n < 100; n++) client.send({ type: 'get_range', msgKey: `${n}`, data: { topic: 't' } });
    const before = process.memoryUsage();
    await isAlive();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 2));
    const { rss } = process.memoryUsage();
    expect(rss - before.rss).to.be.below(120_000_000);
    await isAlive();
    client.socket.resume();
    const lasts = new Set<string>();
    while (lasts.size < 100) {
      const reply = await client.next();
      if (!reply.more) lasts.add(reply.msgKey);
    }
  });

  it('gives a claim back that came for a client which has left', async () => {
    const proc = { topic: 't', name: 'p', offset: '>', maxReclaims: 1 };
    const leaving = served.client();
    leaving.send({ type: 'proc', msgKey: '1', data: { proc, waitMs: 60_000 } });
    leaving.send({ type: 'ping', msgKey: '2' });
    await leaving.next();
    leaving.socket.destroy();
    await leaving.ended;
    while (served.server().clients > 0) await new Promise(setImmediate);
    await served.node().commit([{ topic: 't', body: Buffer.from('{}') }]);
    const claim = await served.node().proc('t', { name: 'p', offset: '>' });
    expect(claim).to.include({ proc: 'p', reclaims: 0 });
  });

  it('answers who waits for a proc as soon as there is work, and not before', async () => {
    const client = served.client();
    client.send({ type: 'proc', msgKey: 'w', data: { proc: { topic: 't', name: 'p', offset: '>' }, waitMs: 60_000 } });
    client.send({ type: 'ping', msgKey: 'p' });
    expect(await client.next()).to.include({ msgKey: 'p' });
    await served.node().commit([{ topic: 't', body: Buffer.from('{"n":1}') }]);
    const { type, data } = await client.next();
    expect(type).to.equal('proc_ok');
    expect(data).to.deep.include({ name: 'p' }).and.have.nested.property('records[0].body.n', 1);
  });

  it('answers who waits for a proc that is destroyed, and does not make it anew', async () => {
    const client = served.client();
    const proc = { topic: 't', name: 'p', offset: '>' };
    client.send({ type: 'proc', msgKey: 'w', data: { proc, waitMs: 60_000 } });
    client.send({ type: 'destroy_proc', msgKey: 'd', data: { name: 'p' } });
    const replies = [await client.next(), await client.next()];
    expect(replies.map(({ type }) => type)).to.have.members(['proc_ok', 'destroy_proc_ok']);
    await served.node().commit([{ topic: 't', body: Buffer.from('{}') }]);
    await isAlive();
    expect(served.node().listProcs()).to.deep.equal([]);
  });

  it('answers nothing when the time of waiting is over', async () => {
    const client = served.client();
    const proc = { topic: 't', name: 'p', offset: '>' };
    client.send({ type: 'proc', msgKey: 'w', data: { proc, waitMs: 20 } });
    expect(await client.next()).to.deep.include({ type: 'proc_ok', data: null });
  });

  it('hands on bytes that came through another door', async () => {
    const headers = Buffer.from('{}');
    await served.node().commit([
      { topic: 't', headers, body: Buffer.from([0xff, 0]) },
      { topic: 't', headers, body: Buffer.from('[1]') },
    ]);
    const client = served.client();
    client.send({ type: 'get_range', msgKey: 'r', data: { topic: 't' } });
    expect((await client.next()).data).to.have.deep.nested.property('[0].body', { base64: '/wA=' });
    expect(client.replies[0]?.data).to.have.deep.nested.property('[1].body', [1]);
  });

  it('finishes what is in hand when it stops, and takes its socket away', async () => {
    const client = served.client();
    client.send({ type: 'ping', msgKey: 'p' });
    await client.next();
    const path = join(served.folder(), 'socket');
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    await served.server().stop();
    expect(await client.ended).to.equal(undefined);
    expect(existsSync(path)).to.equal(false);
  });
});

describe('the place where a node listens', () => {
  const served = servedNode();

  it('is taken over when nobody answers there any more', async () => {
    const path = join(served.folder(), 'stale');
    const holder = createServer().listen(join(served.folder(), 'other'));
    await once(holder, 'listening');
    renameSync(join(served.folder(), 'other'), path);
    await new Promise((resolve) => holder.close(resolve));
    expect(existsSync(path)).to.equal(true);
    const server = await NodeServer.listen(served.node(), { address: { kind: 'ipc', path } });
    expect(server.address).to.equal(`ipc://${path}`);
    await server.stop();
  });

  it('is refused when somebody answers: address_in_use', async () => {
    const path = join(served.folder(), 'socket');
    const second = NodeServer.listen(served.node(), { address: { kind: 'ipc', path } });
    expect(await second.catch((reason: unknown) => reason)).to.include({ code: 'MSGFLO_LOG_ADDRESS_IN_USE' });
    const tcp = await NodeServer.listen(served.node(), { address: { kind: 'tcp', host: '127.0.0.1', port: 0 } });
    const port = Number(tcp.address.split(':').at(-1));
    const third = NodeServer.listen(served.node(), { address: { kind: 'tcp', host: '127.0.0.1', port } });
    expect(await third.catch((reason: unknown) => reason)).to.include({ code: 'MSGFLO_LOG_ADDRESS_IN_USE' });
    await tcp.stop();
  });

  it('is never a file that is no socket', async () => {
    const path = join(served.folder(), 'precious');
    writeFileSync(path, 'mine');
    const error = await NodeServer.listen(served.node(), { address: { kind: 'ipc', path } }).catch((reason) => reason);
    expect(error).to.include({ code: 'MSGFLO_LOG_ADDRESS' });
    expect(existsSync(path)).to.equal(true);
  });

  it('is made with its folder, closed to others', async () => {
    const folder = join(served.folder(), 'deep');
    const server = await NodeServer.listen(served.node(), { address: { kind: 'ipc', path: join(folder, 's') } });
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
    await server.stop();
  });
});
