import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect } from 'chai';
import { PortTakenError } from '../../src/server/errors.js';
import { type Listening, listen } from '../../src/server/listen.js';

describe('listening on a host of several addresses', () => {
  const two = async (): Promise<string[]> => ['127.0.0.1', '127.0.0.2'];
  const opened: Listening[] = [];
  afterEach(() => {
    for (const { servers } of opened.splice(0)) for (const server of servers) server.close();
  });
  const open = async (port: number, addresses = two): Promise<Listening> => {
    const listening = await listen('both', port, addresses);
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
