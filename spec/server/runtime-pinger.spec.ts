import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { expect } from 'chai';
import { UsageError } from '../../src/errors.js';
import { RuntimePinger, type RuntimePingerOptions } from '../../src/server/index.js';
import type { Logger } from '../../src/support/index.js';
import { until } from './client.js';

interface Registry {
  readonly server: Server;
  readonly host: string;
  readonly seen: IncomingMessage[];
  /** Resolves at the next request. */
  next(): Promise<IncomingMessage>;
}

describe('runtime pinger', () => {
  const opened: { close(): Promise<void> | void }[] = [];
  afterEach(async () => {
    for (const { close } of opened.splice(0).reverse()) await close();
  });

  async function registry(status: number | 'silent' = 200): Promise<Registry> {
    const seen: IncomingMessage[] = [];
    let arrived = (_request: IncomingMessage): void => {};
    const server = createServer((request, response) => {
      seen.push(request);
      arrived(request);
      if (status !== 'silent') response.writeHead(status).end('thanks');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    opened.push({
      close() {
        server.closeAllConnections();
        server.close();
      },
    });
    const next = (): Promise<IncomingMessage> =>
      new Promise((resolve) => {
        arrived = resolve;
      });
    return { server, host: `127.0.0.1:${port}`, seen, next };
  }

  function pinger(options: Partial<RuntimePingerOptions>): {
    readonly pinger: RuntimePinger;
    readonly warned: string[];
  } {
    const warned: string[] = [];
    const said = new Set<string>();
    const log: Logger = {
      debug() {},
      info() {},
      warn: (text) => warned.push(text),
      warnOnce(key, text) {
        if (!said.has(key)) warned.push(text);
        said.add(key);
      },
    };
    const made = new RuntimePinger({ url: 'http://127.0.0.1:1/', intervalMs: 20, runtimeId: 'id 1', log, ...options });
    opened.push({ close: () => made.stop() });
    return { pinger: made, warned };
  }

  it('pings at once and again, with the method asked for and the id in the URL', async () => {
    const { host, next } = await registry();
    const first = next();
    const made = pinger({ url: `http://${host}/runtimes/$RUNTIME_ID?of=$RUNTIME_ID`, method: 'PUT' });
    made.pinger.start();
    const { url, method } = await first;
    expect({ url, method }).to.deep.equal({ url: '/runtimes/id%201?of=id%201', method: 'PUT' });
    await next();
    expect(made.warned).to.deep.equal([]);
  });

  it('posts unless told otherwise, with the password of the URL in a header', async () => {
    const { host, next } = await registry();
    const request = next();
    pinger({ url: `http://me:s3cret@${host}/` }).pinger.start();
    const { method, headers } = await request;
    expect(method).to.equal('POST');
    expect(headers.authorization).to.equal(`Basic ${Buffer.from('me:s3cret').toString('base64')}`);
  });

  it('warns once of a registry that refuses or is not there, without what may be secret, and goes on', async () => {
    const { host, next, seen } = await registry(500);
    const made = pinger({ url: `http://${host}/token/s3cret` });
    made.pinger.start();
    while (seen.length < 3) await next();
    expect(made.warned).to.have.length(1);
    expect(made.warned[0]).to.contain(host).and.contain('500').and.not.contain('s3cret');
    const nobody = pinger({});
    nobody.pinger.start();
    await until(() => nobody.warned.length > 0);
    expect(nobody.warned[0]).to.contain('127.0.0.1:1');
  });

  it('gives up a ping after its time, and never has two under way', async () => {
    const { host, seen } = await registry('silent');
    const made = pinger({ url: `http://${host}/`, intervalMs: 20, timeoutMs: 300 });
    made.pinger.start();
    await until(() => made.warned.length > 0);
    // Fifteen would have been due meanwhile; the second may have begun by the time the first was noticed as given up.
    expect(seen).to.have.length.within(1, 2);
  });

  it('stops a ping under way without a warning', async () => {
    const { host, next } = await registry('silent');
    const request = next();
    const made = pinger({ url: `http://${host}/` });
    made.pinger.start();
    await request;
    await made.pinger.stop();
    await made.pinger.stop();
    expect(made.warned).to.deep.equal([]);
  });

  it('does nothing with an interval of 0', async () => {
    const { host, seen } = await registry();
    const made = pinger({ url: `http://${host}/`, intervalMs: 0 });
    made.pinger.start();
    await made.pinger.stop();
    expect(seen).to.deep.equal([]);
  });

  for (const url of ['nonsense', 'ftp://example.net/', 'http://']) {
    it(`refuses '${url}' as a URL`, () => {
      expect(() => pinger({ url })).to.throw(UsageError, '--ping-url');
    });
  }
});
