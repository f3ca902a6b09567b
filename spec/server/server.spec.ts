import { once } from 'node:events';
import { connect, createServer, type Server as TcpServer } from 'node:net';
import { expect } from 'chai';
import { CannotListenError, PortTakenError, Server } from '../../src/server/index.js';
import { silentLogger } from '../../src/support/index.js';
import { fakeNetwork } from '../protocol/fake-network.js';
import { serversForSpecs, TestClient } from './client.js';

describe('server', () => {
  const start = serversForSpecs();

  describe('start', () => {
    it('listens on every address of the host', async () => {
      const server = await start();
      expect(server.address).to.match(/^ws:\/\/localhost:[1-9]\d*$/);
      const { port } = new URL(server.address);
      const client = await TestClient.open(`ws://127.0.0.1:${port}`);
      client.send('runtime:getruntime');
      await client.messages(1);
    });

    it('listens on this machine only unless told otherwise', async () => {
      const { port } = new URL((await start()).address);
      const socket = connect(Number(port), '127.0.0.2');
      const [error] = await once(socket, 'error');
      expect(error).to.have.property('code', 'ECONNREFUSED');
    });

    it('writes an IPv6 host in brackets', async function () {
      const server = await start({ host: '::1' }).catch((error) => {
        expect(error).to.be.instanceOf(CannotListenError);
      });
      if (!server) return this.skip();
      expect(server.address).to.match(/^ws:\/\/\[::1\]:\d+$/);
      await TestClient.open(server.address);
    });

    it('fails on a taken port with its name and what to do', async () => {
      const other = await occupy('127.0.0.1');
      const error = await failureOf(start({ port: other.port }));
      other.server.close();
      expect(error).to.be.instanceOf(PortTakenError);
      expect(error).to.include({ code: 'MSGFLO_PORT_TAKEN', host: 'localhost', port: other.port });
      expect(error).to.have.property('message').that.contains(`localhost:${other.port}`).and.contains('--port');
    });

    it('fails on a host that there is not, naming it', async () => {
      const error = await failureOf(start({ host: 'there-is-no-such.invalid' }));
      expect(error).to.be.instanceOf(CannotListenError);
      expect(error).to.have.property('message').that.contains('there-is-no-such.invalid');
    });
  });

  describe('stop', () => {
    it('takes leave of all clients with 1001 and leaves the port free', async () => {
      const server = await start();
      const clients = [await TestClient.open(server.address), await TestClient.open(server.address)];
      await server.stop();
      for (const client of clients) {
        expect(await client.closed).to.deep.equal({ code: 1001, reason: 'the runtime is stopping' });
      }
      await start({ port: Number(new URL(server.address).port) });
    });

    it('does not wait for a client that does not answer, nor for open HTTP connections', async () => {
      const server = await start({ limits: { stopWithinMs: 30 } });
      const client = await TestClient.open(server.address);
      client.ws.pause();
      const idle = connect(Number(new URL(server.address).port), '127.0.0.1');
      await once(idle, 'connect');
      idle.write('GET / HTTP/1.1\r\n');
      idle.on('error', () => {});
      const gone = new Promise((resolve) => idle.on('close', resolve));
      await server.stop();
      await gone;
      client.ws.terminate();
    });

    it('works twice, before start, and while starting', async () => {
      const network = fakeNetwork();
      const server = new Server({ network, log: silentLogger, port: 0 });
      await server.stop();
      await server.stop();
      expect(network.listeners.size).to.equal(0);
      const starting = new Server({ network, log: silentLogger, port: 0 });
      const started = starting.start();
      await Promise.all([started, starting.stop()]);
      expect(await refusesConnections(starting.address)).to.equal(true);
      expect(await failureOf(starting.start())).to.be.instanceOf(Error);
    });
  });
});

async function occupy(host: string): Promise<{ readonly server: TcpServer; readonly port: number }> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  return { server, port: address !== null && typeof address === 'object' ? address.port : 0 };
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

async function refusesConnections(address: string): Promise<boolean> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('error', () => resolve(true));
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}
