import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { buildSync } from 'esbuild';
import { EmbeddedBroker } from '../../../src/embedded/index.js';
import { type ConnectOptions, PipeProc } from '../../../src/log/index.js';
import { namespaceFolder } from '../../../src/log/wire/index.js';
import { silentLogger } from '../../../src/support/index.js';
import { readNodeFile } from '../../../src/transport/log/index.js';
import { certificatesForSpecs } from '../../server/tls-files.js';
import { freePort } from '../../support/free-port.js';
import { codeOf, programs, unique } from './support.js';

const run = promisify(execFile);

describe('connecting to a node', () => {
  const { folder, client, spawned } = programs();

  it('tells what it did: statuses of spawn, connect and shutdown', async () => {
    const namespace = unique();
    const parent = client();
    expect(await codeOf(parent.shutdown())).to.equal('no_active_node');
    expect(await parent.spawn({ namespace, memory: true, workers: 0 })).to.equal('spawned_and_connected');
    expect(await parent.spawn({ namespace, memory: true, workers: 0 })).to.equal('node_already_active');
    expect(await parent.connect({ namespace })).to.equal('already_connected');
    const other = client();
    expect(await other.connect({ namespace })).to.equal('connected');
    expect(await other.connect({ namespace })).to.equal('already_connected');
    expect(await other.shutdown()).to.equal('disconnected');
    expect(await codeOf(other.length('x'))).to.equal('no_active_node');
    expect(await parent.shutdown()).to.equal('closed');
    expect(await codeOf(parent.shutdown())).to.equal('no_active_node');
    expect(await codeOf(client().connect({ namespace, timeout: 50 }))).to.equal('connection timed-out');
  });

  it('works from other programs by namespace, ipc address, tcp address and tcp options', async () => {
    const [namespace, port, program] = [unique(), await freePort(), join(folder(), 'other.mjs')];
    buildSync({
      entryPoints: [join(import.meta.dirname, 'fixtures/other-program.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: {
        js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
      },
      logLevel: 'error',
    });
    const tcp = { host: '127.0.0.1', port };
    const [local, remote] = await Promise.all([spawned({ namespace }), spawned({ tcp })]);
    const ways: ConnectOptions[] = [
      { namespace },
      { socket: `ipc://${join(namespaceFolder(), `msgflo-log.${namespace}`)}` },
      { tcp },
      { socket: `tcp://127.0.0.1:${port}` },
    ];
    const said = await Promise.all(ways.map((way) => run(process.execPath, [program, JSON.stringify(way)])));
    expect(said.map(({ stdout }) => JSON.parse(stdout).status)).to.deep.equal(Array(4).fill('connected'));
    expect(await local.length('from-others')).to.equal(2);
    expect(await remote.length('from-others')).to.equal(2);
  });

  it('finds the node of a folder, and the next one that takes its place', async () => {
    const home = join(folder(), unique());
    const parent = await spawned({ location: home });
    const other = client();
    expect(await other.connect({ folder: home })).to.equal('connected');
    await other.commit({ topic: 't', body: {} });
    await parent.shutdown();
    // At another address.
    await spawned({ location: home });
    expect(await other.length('t')).to.equal(1);
    expect(await codeOf(client().connect({ folder: join(folder(), 'nowhere'), timeout: 50 }))).to.equal(
      'connection timed-out',
    );
  });

  it('says the token that a door on a port asks for', async () => {
    const home = join(folder(), unique());
    const broker = await EmbeddedBroker.listen({ dir: home, tcp: true, workers: 0, log: silentLogger });
    try {
      const { log: door, token } = (await readNodeFile(home)) ?? {};
      if (door?.kind !== 'tcp' || !token) throw new Error('no port, no token');
      const tcp = { host: door.host, port: door.port };
      const [byFolder, byToken] = [client(), client()];
      expect(await byFolder.connect({ folder: home })).to.equal('connected');
      expect(await byToken.connect({ tcp, token })).to.equal('connected');
      await byToken.commit({ topic: 't', body: {} });
      expect(await byFolder.length('t')).to.equal(1);
      for (const wrong of [{ tcp }, { tcp, token: 'guessed' }])
        expect(await codeOf(client().connect({ ...wrong, timeout: 100 }))).to.equal('connection timed-out');
      await Promise.all([byFolder.shutdown(), byToken.shutdown()]);
    } finally {
      await broker.stop();
    }
  });

  it('may say a token where none is asked for', async () => {
    const tcp = { host: '127.0.0.1', port: await freePort() };
    await spawned({ tcp });
    expect(await client().connect({ tcp, token: 'of another node' })).to.equal('connected');
  });

  it('fails in a second where nobody answers', async () => {
    const start = performance.now();
    expect(await codeOf(PipeProc().connect({ namespace: unique() }))).to.equal('connection timed-out');
    expect(performance.now() - start).to.be.within(950, 1200);
  });

  it('says why a node cannot start: its place or its folder is taken', async () => {
    const [namespace, location] = [unique(), join(folder(), 'taken')];
    await spawned({ namespace, location });
    expect(await failureOf(PipeProc().spawn({ namespace, memory: true }))).to.equal('address_in_use');
    expect(await failureOf(PipeProc().spawn({ namespace: unique(), location }))).to.equal('log_locked');
  });

  for (const [what, options, text] of [
    ['tcp without a port', { tcp: { host: 'x', port: 0 } }, 'tcp connection needs a host and a port'],
    ['an address that is none', { socket: 'x' }, 'Invalid connection address: x'],
  ] as const)
    it(`refuses ${what}`, async () => {
      expect(await messageOf(PipeProc().spawn(options))).to.equal(text);
      expect(await messageOf(PipeProc().connect(options))).to.equal(text);
    });
});

describe('connecting with TLS', () => {
  const { client, spawned } = programs();
  const certificates = certificatesForSpecs();

  it('lets in who shows the right certificate, and nobody else', async () => {
    const [server, user, stranger] = await Promise.all(['server', 'user', 'stranger'].map(certificates.make));
    if (!server || !user || !stranger) throw new Error('no certificates');
    const tcp = { host: '127.0.0.1', port: await freePort() };
    const tls = { key: user.keyFile, cert: user.certFile, ca: server.certFile };
    const node = await spawned({
      tcp,
      tls: { server: { key: server.keyFile, cert: server.certFile, ca: user.certFile }, client: tls },
    });
    await node.commit({ topic: 't', body: { safe: true } });
    const right = client();
    expect(await right.connect({ tcp, tls })).to.equal('connected');
    expect(await right.length('t')).to.equal(1);
    const timeout = 300;
    const refused = [
      PipeProc().connect({ tcp, timeout }),
      PipeProc().connect({ tcp, timeout, tls: { ...tls, key: stranger.keyFile, cert: stranger.certFile } }),
      PipeProc().connect({ tcp, timeout, tls: { ...tls, ca: stranger.certFile } }),
    ];
    expect(new Set(await Promise.all(refused.map(codeOf)))).to.deep.equal(new Set(['connection timed-out']));
    expect(await right.length('t')).to.equal(1);
  });

  it('is refused over a socket file, and where a file is missing', async () => {
    const tls = { key: '/no/key.pem', cert: '/no/cert.pem', ca: '/no/ca.pem' };
    expect(await messageOf(PipeProc().connect({ socket: 'ipc:///run/x', tls }))).to.equal(
      'Invalid connection address: ipc:///run/x',
    );
    const tcp = { host: '127.0.0.1', port: 9 };
    expect(await messageOf(PipeProc().connect({ tcp, tls })))
      .to.include('client key')
      .and.include('/no/key.pem');
    expect(await messageOf(PipeProc().spawn({ tcp, tls: { server: tls, client: tls } }))).to.include('/no/key.pem');
  });
});

async function messageOf(work: Promise<unknown>): Promise<string> {
  return await work.then(String, (error: unknown) => (error instanceof Error ? error.message : ''));
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(String, (error: unknown) => (error instanceof Error && 'code' in error ? error.code : ''));
}
