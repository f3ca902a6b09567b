import { expect } from 'chai';
import type { Server } from '../../src/server/index.js';
import { liveUrl, liveUrlLine } from '../../src/server/index.js';
import { fakeNetwork } from '../protocol/fake-network.js';
import { serversForSpecs } from './client.js';

describe('server page', () => {
  const start = serversForSpecs();
  const get = (server: Server, path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.address.replace('ws:', 'http:')}${path}`, { ...init, headers: { connection: 'close' } });

  it('says what this is and links to the editor', async () => {
    const server = await start();
    const response = await get(server, '/?from=bookmark');
    const body = await response.text();
    const { id } = fakeNetwork();
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.contain('text/html');
    expect(body).to.contain(server.address);
    expect(body).to.contain(`href="${liveUrl({ address: server.address, id })}"`);
  });

  it('shows a label as text, whatever is in it', async () => {
    const server = await start({ network: fakeNetwork({ label: '<script>alert("1")</script>' }) });
    expect(await (await get(server, '/')).text()).not.to.contain('<script');
  });

  it('answers /healthz always and /readyz by what it is told', async () => {
    let isReady = false;
    const server = await start({ isReady: () => isReady });
    expect((await get(server, '/healthz')).status).to.equal(200);
    expect((await get(server, '/readyz')).status).to.equal(503);
    isReady = true;
    expect((await get(server, '/readyz')).status).to.equal(200);
  });

  it('answers 404 to other paths and 405 to other methods', async () => {
    const server = await start();
    expect((await get(server, '/etc/passwd')).status).to.equal(404);
    expect((await get(server, '//')).status).to.equal(404);
    const posted = await get(server, '/', { method: 'POST', body: 'x'.repeat(100_000) });
    expect(posted.status).to.equal(405);
    expect(posted.headers.get('allow')).to.equal('GET, HEAD');
  });

  it('answers HEAD without a body', async () => {
    const response = await get(await start(), '/', { method: 'HEAD' });
    expect(response.status).to.equal(200);
    expect(await response.text()).to.equal('');
  });

  it('makes the line for the editor that scripts read', () => {
    const id = '7b1f';
    expect(liveUrlLine({ address: 'ws://localhost:3569', id })).to.equal(
      'Open in Flowhub: http://app.flowhub.io#runtime/endpoint?protocol%3Dwebsocket%26address%3Dws%3A%2F%2Flocalhost%3A3569%26id%3D7b1f',
    );
    expect(liveUrl({ ide: 'https://ide.example.net', address: 'ws://h:1', id })).to.match(
      /^https:\/\/ide\.example\.net#runtime\/endpoint\?protocol%3D/,
    );
  });
});
