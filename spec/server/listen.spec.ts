import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect } from 'chai';
import { CannotListenError, PortTakenError } from '../../src/server/errors.js';
import { isLoopback, type Listening, listen } from '../../src/server/listen.js';

describe('listening on a host of several addresses', () => {
  const two = async (): Promise<string[]> => ['127.0.0.1', '127.0.0.2'];
  const opened: Listening[] = [];
  afterEach(() => {
    for (const { servers } of opened.splice(0)) for (const server of servers) server.close();
  });
  const open = async (port: number, addresses = two): Promise<Listening> => {
    const listening = await listen('both', port, createServer, addresses);
    opened.push(listening);
    return listening;
  };

  it('takes the same port on all of them', async () => {
    const { servers, port } = await open(0);
    expect(servers.map((server) => server.address())).to.deep.equal([
      { address: '127.0.0.1', family: 'IPv4', port },
      { address: '127.0.0.2', family: 'IPv4', port },
    ]);
  });

  for (const taken of ['127.0.0.1', '127.0.0.2']) {
    it(`listens on none of them when the port is taken on ${taken}`, async () => {
      const other = createServer();
      opened.push({ servers: [other], port: 0 });
      other.listen(0, taken);
      await once(other, 'listening');
      const address = other.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      const error = await open(port).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(PortTakenError);
      other.close();
      await once(other, 'close');
      await open(port);
    });
  }

  it('does without a further address that this machine has not', async () => {
    const { servers } = await open(0, async () => ['127.0.0.1', '192.0.2.1']);
    expect(servers).to.have.length(1);
  });
});

describe('a host', () => {
  for (const [host, isLocal] of [
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.8.9.10', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.0.2.7', false],
    ['128.0.0.1', false],
  ] as const) {
    it(`${host} is ${isLocal ? '' : 'not only '}this machine`, async () => {
      expect(await isLoopback(host)).to.equal(isLocal);
    });
  }

  it('that a resolver gives another address as well is not only this machine', async () => {
    expect(await isLoopback('here', async () => ['127.0.0.1', '::1'])).to.equal(true);
    expect(await isLoopback('here', async () => ['127.0.0.1', '192.0.2.7'])).to.equal(false);
    expect(await isLoopback('here', async () => [])).to.equal(false);
  });

  it('that there is not is an error', async () => {
    const error = await isLoopback('there-is-no-such.invalid').catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(CannotListenError);
  });
});
