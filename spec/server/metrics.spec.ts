import { request } from 'node:http';
import { expect } from 'chai';
import { OFFERED, READ_ONLY } from '../../src/protocol/index.js';
import type { Server, ServerOptions } from '../../src/server/index.js';
import { serversForSpecs } from './client.js';

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** With headers that `fetch` does not let anybody set. */
function get(server: Server, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = `${server.address.replace('ws:', 'http:')}/metrics?x=1`;
    const asked = request(url, { method, headers: { connection: 'close', ...headers } }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += String(chunk);
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on('error', reject).end();
  });
}

describe('server metrics', () => {
  const start = serversForSpecs();
  const serve = (options: Partial<ServerOptions> = {}): Promise<Server> =>
    start({ metrics: async () => 'a 1\n', ...options });
  const secrets = [{ secret: 'open sesame', capabilities: OFFERED }];

  it('are told in the format that Prometheus knows', async () => {
    const { status, headers, body } = await get(await serve());
    expect([status, body]).to.deep.equal([200, 'a 1\n']);
    expect(headers['content-type']).to.equal('text/plain; version=0.0.4; charset=utf-8');
    expect((await get(await serve(), {}, 'HEAD')).body).to.equal('');
    expect((await get(await serve(), {}, 'POST')).status).to.equal(405);
  });

  it('are not there where nobody gives them', async () => {
    expect((await get(await start())).status).to.equal(404);
  });

  it('take a secret where those without one may not look', async () => {
    const server = await serve({ access: { anonymous: [], secrets } });
    const without = await get(server);
    expect(without.status).to.equal(401);
    expect(without.headers['www-authenticate']).to.match(/^Bearer /);
    expect(without.body).not.to.contain('a 1');
    for (const wrong of ['Bearer open', 'Basic open sesame', 'Bearer', 'open sesame', 'Bearer open sesame x']) {
      expect((await get(server, { authorization: wrong })).status, wrong).to.equal(401);
    }
    expect((await get(server, { authorization: 'Bearer open sesame' })).status).to.equal(200);
    expect((await get(server, { authorization: 'bearer  open sesame ' })).status).to.equal(200);
    expect(server.counts.wrongSecret).to.equal(2);
  });

  it('are for who may see the status of the network, with or without a secret', async () => {
    const server = await serve({ access: { anonymous: READ_ONLY, secrets } });
    expect((await get(server)).status).to.equal(200);
    const blind = [{ secret: 'blind', capabilities: OFFERED.filter((one) => one !== 'network:status') }];
    const other = await serve({ access: { anonymous: [], secrets: blind } });
    expect((await get(other, { authorization: 'Bearer blind' })).status).to.equal(401);
  });

  it('are not for pages of strangers, nor for pages whose name was made to point here', async () => {
    const server = await serve();
    expect((await get(server, { origin: 'https://evil.example' })).status).to.equal(403);
    expect((await get(server, { host: 'evil.example:3569' })).status).to.equal(403);
    expect((await get(server, { host: '127.0.0.1:1' })).status).to.equal(200);
    expect((await get(server, { host: '[::1]:1', origin: 'http://[::1]:1' })).status).to.equal(200);
    expect(server.counts.wrongOrigin).to.equal(1);
  });

  it('answer any name where it listens beyond this machine', async () => {
    const server = await serve({ host: '0.0.0.0' });
    expect((await get(server, { host: 'msgflo.internal:3569' })).status).to.equal(200);
  });

  it('answer 503 while they cannot be collected', async () => {
    const server = await serve({ metrics: () => Promise.reject(new Error('no')) });
    expect((await get(server)).status).to.equal(503);
  });
});
