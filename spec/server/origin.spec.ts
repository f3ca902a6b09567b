import { expect } from 'chai';
import { isAllowedOrigin } from '../../src/server/origin.js';
import { keepingLogger } from '../participant/network.js';
import { serversForSpecs, statusOfAttempt } from './client.js';

describe('browser pages', () => {
  const start = serversForSpecs();

  for (const [origin, isLetIn] of [
    ['http://app.flowhub.io', true],
    ['http://app.flowhub.io:80', true],
    ['https://app.flowhub.io', false],
    ['http://app.flowhub.io:8080', false],
    ['http://localhost:8080', false],
    ['http://127.0.0.1', false],
    ['http://[::1]:3000', false],
    ['https://example.net', false],
    ['http://app.flowhub.io.example.net', false],
    ['http://localhost.example.net', false],
    ['null', false],
    ['file://', false],
    ['garbage', false],
  ] as const) {
    it(`of ${origin} are ${isLetIn ? 'let in' : 'refused'}`, async () => {
      const server = await start();
      expect(await statusOfAttempt(server.address, { origin })).to.equal(isLetIn ? 101 : 403);
      expect(server.counts.wrongOrigin).to.equal(isLetIn ? 0 : 1);
    });
  }

  it('of ours are let in, by each name of this machine', async () => {
    const server = await start({ host: '127.0.0.1' });
    const { port } = new URL(server.address);
    for (const name of ['localhost', '127.0.0.1']) {
      const headers = { host: `${name}:${port}` };
      expect(await statusOfAttempt(server.address, { origin: `http://${name}:${port}`, headers })).to.equal(101);
      expect(await statusOfAttempt(server.address, { origin: `https://${name}:${port}`, headers })).to.equal(403);
      expect(await statusOfAttempt(server.address, { origin: `http://${name}:1`, headers })).to.equal(403);
    }
  });

  it('of the editor that is configured are let in, and then not those of the usual one', async () => {
    const server = await start({ ide: 'https://editor.example.net/app/' });
    expect(await statusOfAttempt(server.address, { origin: 'https://editor.example.net' })).to.equal(101);
    expect(await statusOfAttempt(server.address, { origin: 'http://editor.example.net' })).to.equal(403);
    expect(await statusOfAttempt(server.address, { origin: 'http://app.flowhub.io' })).to.equal(403);
  });

  it('of allowed origins are let in, of no others', async () => {
    const server = await start({ allowOrigins: ['https://a.example.net', 'http://localhost:8080'] });
    expect(await statusOfAttempt(server.address, { origin: 'https://a.example.net' })).to.equal(101);
    expect(await statusOfAttempt(server.address, { origin: 'http://localhost:8080' })).to.equal(101);
    expect(await statusOfAttempt(server.address, { origin: 'https://b.example.net' })).to.equal(403);
  });

  it('of all origins are let in by *', async () => {
    const server = await start({ allowOrigins: ['*'] });
    for (const origin of ['https://b.example.net', 'null']) {
      expect(await statusOfAttempt(server.address, { origin })).to.equal(101);
    }
  });

  it('whose name was made to point here are refused, though they name the same host', async () => {
    const server = await start();
    const headers = { host: 'rebound.example.net' };
    const origin = 'http://rebound.example.net';
    expect(await statusOfAttempt(server.address, { origin, headers })).to.equal(403);
  });

  it('that are refused are said once each, with the flag that lets them in', async () => {
    const log = keepingLogger();
    const server = await start({ log });
    for (const origin of ['https://a.example.net', 'https://a.example.net', 'https://b.example.net']) {
      await statusOfAttempt(server.address, { origin });
    }
    expect(server.counts.wrongOrigin).to.equal(3);
    expect(log.lines).to.have.length(2);
    expect(log.lines[0]).to.include('--allow-origin https://a.example.net');
  });

  it('of ever other origins do not fill the log', async () => {
    const log = keepingLogger();
    const server = await start({ log });
    for (let n = 0; n < 30; n += 1) await statusOfAttempt(server.address, { origin: `https://p${n}.example.net` });
    expect(server.counts.wrongOrigin).to.equal(30);
    expect(log.lines).to.have.length(20);
  });

  it('of ours come by https where we have a certificate', () => {
    const rules = { ide: 'http://app.flowhub.io', allowOrigins: [], host: 'flow.example.net', isTls: true };
    expect(isAllowedOrigin('https://flow.example.net:3569', 'flow.example.net:3569', rules)).to.equal(true);
    expect(isAllowedOrigin('http://flow.example.net:3569', 'flow.example.net:3569', rules)).to.equal(false);
    expect(isAllowedOrigin('https://flow.example.net:3570', 'flow.example.net:3569', rules)).to.equal(false);
    expect(isAllowedOrigin(undefined, undefined, rules)).to.equal(true);
  });
});
