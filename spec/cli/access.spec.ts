import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ClientOptions, WebSocket } from 'ws';
import { until } from '../process/processes.js';
import { certificatesForSpecs } from '../server/tls-files.js';
import { linesOf, Project, type Running, SPEC_LIMIT_MS } from './run-executable.js';

interface Runtime {
  readonly capabilities: readonly string[];
  readonly allCapabilities: readonly string[];
}

describe('access to a running msgflo', function () {
  this.timeout(SPEC_LIMIT_MS);
  const certificates = certificatesForSpecs();
  let project: Project;
  beforeEach(async () => {
    project = await Project.make({ 'hello.fbp': "'world' -> NAME greet(Greet) OUT -> IN print(Print)\n" });
  });
  afterEach(() => project.clean());

  const started = async (running: Running): Promise<string> =>
    (await running.line(/^msgflo started on /)).replace('msgflo started on ', '');

  it('is open on this machine when nothing is said', async () => {
    const running = project.start('msgflo', ['--port', '0']);
    const { capabilities } = await introduction(await started(running));
    expect(capabilities).to.include.members(['protocol:graph', 'component:setsource']);
    expect((await running.stop()).stderr).not.to.include('--access');
  });

  it('is for those who know MSGFLO_SECRET, which is written nowhere and told to no participant', async () => {
    const secret = 'a-very-well-kept-secret';
    const running = project.start('msgflo', ['--graph', 'hello.fbp', '--port', '0'], {
      env: { MSGFLO_SECRET: secret },
    });
    const address = await started(running);
    expect((await introduction(address)).capabilities).to.deep.equal([]);
    expect((await introduction(address, { secret: 'another' })).capabilities).to.deep.equal([]);
    const mine = await introduction(address, { secret });
    expect(mine.capabilities).to.deep.equal(mine.allCapabilities).and.to.include('component:setsource');

    await running.line(/^print \| Hello, world!$/);
    const [participant = 0] = project.pidsOf('participants/Print.js');
    expect(readFileSync(`/proc/${participant}/environ`, 'latin1'))
      .to.include('MSGFLO_BROKER')
      .and.not.to.include(secret);
    expect(project.pidsOf(secret)).to.deep.equal([]);
    const folder = join(project.dir, '.msgflo');
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(entries.map(({ name }) => name).join(' ')).to.match(/\.seg\b/);
    for (const { parentPath, name } of entries)
      expect(readFileSync(join(parentPath, name), 'latin1'), name).not.to.include(secret);
    const [coordinator = 0] = project.pidsOf('bin/msgflo-coordinator');
    process.kill(coordinator, 'SIGKILL');
    await running.line(/the coordinator is back on/);
    expect((await introduction(address)).capabilities).to.deep.equal([]);
    const { stdout, stderr } = await running.stop();
    expect(stdout + stderr).not.to.include(secret);
  });

  it('is by the file of secrets, and for the others by --access', async () => {
    await project.write({ 'access.yml': 'mine: all\nguest: [protocol:graph]\n' });
    const flags = ['--port', '0', '--access-file', 'access.yml', '--access', 'read-only'];
    const running = project.shell(`chmod 600 access.yml && exec node node_modules/.bin/msgflo ${flags.join(' ')}`);
    const address = await started(running);
    expect((await introduction(address, { secret: 'guest' })).capabilities).to.deep.equal(['protocol:graph']);
    expect((await introduction(address, { secret: 'mine' })).capabilities).to.include('component:setsource');
    const { capabilities } = await introduction(address);
    expect(capabilities).to.include('graph:readonly').and.not.to.include('protocol:graph');
  });

  it('is encrypted with a certificate', async () => {
    const { certFile, keyFile, cert } = await certificates.make('localhost');
    const running = project.start('msgflo', ['--port', '0', '--tls-cert', certFile, '--tls-key', keyFile]);
    const address = await started(running);
    expect(address).to.match(/^wss:\/\/localhost:\d+$/);
    expect(await running.line(/^Open in /)).to.include(encodeURIComponent(`address=${address}`));
    expect((await introduction(address, {}, { ca: cert })).capabilities).to.include('protocol:graph');
  });

  it('is for pages of the origins that are named', async () => {
    const origin = 'https://editor.example.org';
    const running = project.start('msgflo', ['--port', '0', '--allow-origin', origin]);
    const address = await started(running);
    await introduction(address, {}, { origin });
    const error = await introduction(address, {}, { origin: 'http://localhost:8080' }).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.have.property('message').that.includes('403');
    await running.line(
      /a page of http:\/\/localhost:8080 was refused \(--allow-origin http:\/\/localhost:8080 lets it in\)/,
    );
  });

  it('from other machines is less, which is said with how to close it', async () => {
    const running = project.start('msgflo', ['--port', '0', '--host', '0.0.0.0']);
    await running.line(/^msgflo: whoever reaches 0\.0\.0\.0 can edit the network.*MSGFLO_SECRET.*--access read-only$/);
    const { port } = new URL(await started(running));
    const { capabilities } = await introduction(`ws://127.0.0.1:${port}`);
    expect(capabilities).to.include('protocol:graph').and.not.to.include('component:setsource');
  });

  it('is explained by --help', async () => {
    const { stdout } = await project.run('msgflo', ['--help']);
    for (const flag of ['--secret', '--access-file', '--access', '--allow-origin', '--tls-cert', '--tls-key']) {
      expect(stdout).to.match(new RegExp(`^  ${flag} `, 'm'));
    }
    expect(stdout).to.include('Who may do what:').and.to.include('MSGFLO_SECRET');
    expect(Math.max(...linesOf(stdout).map(({ length }) => length))).to.be.below(121);
  });

  const misuses: readonly (readonly [readonly string[], RegExp, Record<string, string>?])[] = [
    [['--access', 'some'], /^msgflo: option '--access <what>' argument 'some' is invalid\. /],
    [['--access-file', 'absent.json'], /^msgflo: --access-file absent\.json: there is no such file$/],
    [['--access-file', 'wrong.json'], /^msgflo: --access-file wrong\.json:2: no capability; there are /],
    [['--secret', ''], /^msgflo: --secret is empty: /],
    [[], /^msgflo: MSGFLO_SECRET is empty: /, { MSGFLO_SECRET: '' }],
    [['--allow-origin', 'example.org'], /^msgflo: --allow-origin is scheme, host and port.*'example\.org'$/],
    [['--tls-cert', 'hello.fbp'], /^msgflo: --tls-cert and --tls-key go together: --tls-key is missing$/],
    [['--tls-cert', 'absent.crt', '--tls-key', 'hello.fbp'], /^msgflo: --tls-cert absent\.crt: there is no such file$/],
    [
      ['--tls-cert', 'hello.fbp', '--tls-key', 'hello.fbp'],
      /^msgflo: .*: the certificate cannot be used: it is no PEM$/,
    ],
  ];
  it('that makes no sense is one line and exit code 2, and nothing is started', async () => {
    await project.write({ 'wrong.json': '{"s3cret": [\n"graph"]}' });
    await project.shell('chmod 600 wrong.json').ended;
    const all = await Promise.all(
      misuses.map(async ([args, words, env = {}]) => [await project.run('msgflo', args, { env }), words] as const),
    );
    for (const [{ code, stdout, stderr }, words] of all) {
      expect(stderr.trimEnd()).to.match(words);
      expect({ code, stdout, lines: linesOf(stderr).length }, stderr).to.deep.equal({ code: 2, stdout: '', lines: 1 });
    }
    expect(await project.leftovers(0)).to.deep.equal([]);
  });
});

/** What the runtime says of itself to a client. @throws {Error} when it does not let one in */
async function introduction(
  address: string,
  more: { readonly secret?: string } = {},
  options: ClientOptions = {},
): Promise<Runtime> {
  const socket = new WebSocket(address, 'noflo', options);
  try {
    await once(socket, 'open');
    socket.send(JSON.stringify({ protocol: 'runtime', command: 'getruntime', payload: {}, ...more }));
    let answer: { readonly command: string; readonly payload: Runtime } | undefined;
    socket.on('message', (text) => {
      answer ??= JSON.parse(String(text));
    });
    await until(() => answer !== undefined);
    expect(JSON.stringify(answer)).not.to.include('"secret"');
    return answer?.payload ?? { capabilities: [], allCapabilities: [] };
  } finally {
    socket.terminate();
  }
}
