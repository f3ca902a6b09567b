import { once } from 'node:events';
import { get } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect, type PeerCertificate } from 'node:tls';
import { expect } from 'chai';
import { liveUrl, type Server, TlsError } from '../../src/server/index.js';
import { fakeNetwork, names } from '../protocol/fake-network.js';
import { RawClient, serversForSpecs, statusOfAttempt, TestClient, until } from './client.js';
import { type Certificate, certificatesForSpecs } from './tls-files.js';

describe('a server with a certificate', () => {
  const start = serversForSpecs();
  const certificates = certificatesForSpecs();
  let tls: Certificate;
  let other: Certificate;
  before(async () => {
    tls = await certificates.make('first');
    other = await certificates.make('second');
  });
  const ca = () => [tls.cert, other.cert];
  const portOf = (server: Server): number => Number(new URL(server.address).port);

  it('speaks wss', async () => {
    const server = await start({ tls });
    expect(server.address).to.match(/^wss:\/\/localhost:\d+$/);
    const client = await TestClient.open(server.address, ['noflo'], { ca: ca() });
    client.send('runtime:getruntime');
    expect(names(await client.messages(1))).to.deep.equal(['runtime:runtime']);
  });

  it('shows page and health over https, with the address of wss', async () => {
    const server = await start({ tls });
    const page = await answerOf(`${httpsOf(server)}/`, ca());
    expect(page.status).to.equal(200);
    expect(page.body).to.include(server.address);
    expect(page.body).to.include(liveUrl({ address: server.address, id: fakeNetwork().id }));
    expect((await answerOf(`${httpsOf(server)}/healthz`, ca())).status).to.equal(200);
  });

  it('lets its own page in, which came by https', async () => {
    const server = await start({ tls });
    const options = { ca: ca() };
    expect(await statusOfAttempt(server.address, { ...options, origin: httpsOf(server) })).to.equal(101);
    expect(await statusOfAttempt(server.address, { ...options, origin: httpsOf(server).replace('s:', ':') })).to.equal(
      403,
    );
  });

  it('refuses who does not encrypt, counts it, and goes on', async () => {
    const server = await start({ tls });
    const plain = new RawClient(`ws://127.0.0.1:${portOf(server)}`);
    plain.socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await plain.closed;
    expect(plain.text).not.to.include('200');
    await until(() => server.counts.badRequests === 1);
    expect((await answerOf(`${httpsOf(server)}/healthz`, ca())).status).to.equal(200);
  });

  it('does not wait for ever for a handshake, nor for one when it stops', async () => {
    const hasty = await start({ tls, limits: { requestWithinMs: 100 } });
    const silent = connectTcp(portOf(hasty), '127.0.0.1');
    silent.on('error', () => {});
    await once(silent.resume(), 'close');
    const server = await start({ tls });
    const waiting = connectTcp(portOf(server), '127.0.0.1');
    waiting.on('error', () => {});
    const gone = once(waiting.resume(), 'close');
    await once(waiting, 'connect');
    const client = await TestClient.open(server.address, ['noflo'], { ca: ca() });
    await server.stop();
    expect((await client.closed).code).to.equal(1001);
    await gone;
  });

  it('shows a renewed certificate to new connections, and keeps the old where the new is none', async () => {
    const server = await start({ tls });
    const client = await TestClient.open(server.address, ['noflo'], { ca: ca() });
    expect((await certificateOf(server, ca())).subject.CN).to.equal('first');
    server.renewTls(other);
    expect((await certificateOf(server, ca())).subject.CN).to.equal('second');
    expect(() => server.renewTls({ cert: tls.cert, key: other.key })).to.throw(TlsError);
    expect((await certificateOf(server, ca())).subject.CN).to.equal('second');
    client.send('runtime:getruntime');
    await client.messages(1);
  });

  for (const [what, broken, words] of [
    ['a certificate that is none', (): object => ({ cert: 'no PEM' }), /the certificate cannot be used/],
    ['a key that is none', (): object => ({ key: 'no PEM' }), /the private key cannot be used/],
    ['the key of another certificate', (): object => ({ key: other.key }), /not the one of the certificate/],
  ] as const) {
    it(`does not start with ${what}`, async () => {
      const error = await start({ tls: { ...tls, ...broken() } }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(TlsError);
      expect(error).to.have.property('message').that.matches(words);
    });
  }
});

const httpsOf = (server: Server): string => server.address.replace('wss:', 'https:');

async function answerOf(url: string, ca: string[]): Promise<{ readonly status: number; readonly body: string }> {
  const [response] = await once(get(url, { ca, agent: false }), 'response');
  let body = '';
  for await (const text of response.setEncoding('utf8')) body += text;
  return { status: response.statusCode, body };
}

async function certificateOf(server: Server, ca: string[]): Promise<PeerCertificate> {
  const socket = connect({
    host: '127.0.0.1',
    port: Number(new URL(server.address).port),
    ca,
    servername: 'localhost',
  });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
}
