import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { until } from '../process/processes.js';
import { freePort } from '../support/free-port.js';
import { complaints, linesOf, Project, SPEC_LIMIT_MS } from './run-executable.js';

/** Tools that join a broker, each with an address where none is. */
const JOINERS: readonly (readonly [string, string, ...string[]])[] = [
  ['msgflo-send-message', 'amqp', '--queue', 'q', '--json', '1'],
  ['msgflo-send-message', 'log', '--queue', 'q', '--json', '1'],
  ['msgflo-dump-message', 'mqtt', '--queue', 'q'],
  ['msgflo-register-foreign', 'amqp', 'lamp.yml'],
  ['msgflo-register', 'mqtt', '--role', 'a:lamp.yml', '--forever', 'false'],
  ['msgflo-setup', 'mqtt', 'g.fbp', '--timeout', '2'],
  ['msgflo-bindings', 'amqp', 'g.fbp'],
  ['msgflo-monitor', 'mqtt', '--queue', 'q', '--expect-periodic', '1s'],
];

async function joinNobody(project: Project) {
  await project.write({
    'lamp.yml': 'component: Lamp\noutports: { out: { queue: lamp } }\n',
    'g.fbp': 'a(A) O -> I b(B)',
  });
  const port = await freePort();
  const place = `${project.dir}/absent`;
  const ended = JOINERS.map(async ([name, scheme, ...args]) => {
    const at = scheme === 'log' ? `${place}?start=false` : `user:secret@127.0.0.1:${port}`;
    const startedMs = performance.now();
    const how = await project.run(name, [...args, '--broker', `${scheme}://${at}`]);
    return [name, scheme, { ...how, tookMs: performance.now() - startedMs }] as const;
  });
  return { place, port, ended };
}

describe('bad input', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  let idle: Project;
  let waiting: ReturnType<typeof joinNobody>;
  before(async () => {
    idle = await Project.make();
    waiting = joinNobody(idle);
    await waiting;
  });
  after(() => idle.clean());
  beforeEach(async () => {
    project = await Project.make();
  });
  afterEach(() => project.clean());

  describe('in files', () => {
    it('a syntax error in a .fbp is one line with file and line, from all that read graphs, and starts nothing', async () => {
      await project.write({ 'g.fbp': '# fine\na(Repeat) OUT -> IN b(Print)\n\na OUT -> -> IN b\n' });
      for (const name of ['msgflo', 'msgflo-setup', 'msgflo-procfile']) {
        const { code, stdout, stderr } = await project.run(name, name === 'msgflo' ? ['--graph', 'g.fbp'] : ['g.fbp']);
        expect({ code, stdout }, stderr).to.deep.equal({ code: 2, stdout: '' });
        expect(stderr).to.match(new RegExp(`^${name}: g\\.fbp:4:\\d+: .+\\n$`));
      }
      expect(await project.leftovers(0)).to.deep.equal([]);
    });

    it('JSON that is none, or no graph, is one line with its place', async () => {
      await project.write({
        'g.json': '{\n  "processes": {,\n}',
        'h.json': '{"processes": {"a": 1}, "connections": []}',
      });
      const first = await project.run('msgflo-procfile', ['g.json']);
      expect(first.stderr).to.match(/^msgflo-procfile: g\.json:2:\d+: .+\n$/);
      const second = await project.run('msgflo', ['--graph', 'h.json']);
      expect(second.stderr).to.match(/^msgflo: h\.json.*'?a'?.*\n$/);
      expect([first.code, second.code]).to.deep.equal([2, 2]);
    });

    it('an unknown port is named with its place, and the rest of the network runs', async () => {
      await project.write({ 'g.fbp': "'x' -> IN a(Repeat) OUT -> IN b(Print)\n\na OUTT -> IN b\na OUT -> INN b\n" });
      const running = project.start('msgflo', ['--graph', 'g.fbp', '--port', '0']);
      await running.line(/^b \| x$/);
      await running.line(/inn/);
      const { code, stderr } = await running.stop();
      expect(code).to.equal(0);
      expect(complaints(stderr)).to.have.members([
        "msgflo: g.fbp:3:1: role 'a' has no outport 'outt'; it has: out",
        "msgflo: g.fbp:4:1: role 'b' has no inport 'inn'; it has: in",
      ]);
    });

    it('an unknown component is named with its place, and shown as pending while the rest runs', async () => {
      await project.write({ 'g.fbp': "'x' -> IN a(Repeat) OUT -> IN b(Print)\na OUT -> IN c(Repeet)\n" });
      const running = project.start('msgflo', ['--graph', 'g.fbp', '--port', '0', '--wait-timeout', '1.5']);
      await running.line(/^b \| x$/);
      await running.line(/^msgflo: g\.fbp:2:1: edge /);
      const { code, stderr } = await running.stop();
      expect(code).to.equal(0);
      expect(complaints(stderr)).to.deep.equal([
        "msgflo: g.fbp:2:1: unknown component 'Repeet' of role 'c'; did you mean 'Repeat'?; waiting for somebody else to announce it",
        "msgflo: g.fbp:2:1: role 'c' is pending: nobody has announced this role",
        "msgflo: g.fbp:2:1: edge 'a out -> in c' is pending: nobody has announced the role 'c'",
      ]);
    });

    it('a component directory or library that is not there is named, whatever asks for it', async () => {
      await project.write({ 'g.fbp': 'a(Repeat) OUT -> IN b(Print)\n', 'broken.json': '{"components": ' });
      const commands: readonly (readonly [string, ...string[]])[] = [
        ['msgflo', '--graph', 'g.fbp', '--componentdir', 'absent'],
        ['msgflo-setup', 'g.fbp', '--participants', '--componentdir', 'absent'],
        ['msgflo-procfile', 'g.fbp', '--components', 'absent'],
        ['msgflo-procfile', 'g.fbp', '--library', 'absent.json'],
        ['msgflo-procfile', 'g.fbp', '--library', 'broken.json'],
      ];
      for (const [name, ...args] of commands) {
        const { code, stdout, stderr } = await project.run(name, args);
        expect({ code, stdout }, stderr).to.deep.equal({ code: 2, stdout: '' });
        expect(stderr).to.match(new RegExp(`^${name}: .*${args.at(-1)}.*\\n$`));
      }
    });

    it('a YAML with a tab is named with file and line', async () => {
      await project.write({ 'lamp.yml': 'component: Lamp\noutports:\n  out:\n\tqueue: lamp\n' });
      for (const [name, args] of [
        ['msgflo-register', ['--role', 'lamp:lamp.yml']],
        ['msgflo-register-foreign', ['lamp.yml', '--role', 'lamp']],
      ] as const) {
        const { code, stdout, stderr } = await project.run(name, args);
        expect({ code, stdout }, stderr).to.deep.equal({ code: 2, stdout: '' });
        expect(stderr).to.match(new RegExp(`^${name}: lamp\\.yml:4: .*tab.*\\n$`));
      }
    });
  });

  describe('a component', () => {
    it('that fails at once is given up in one line with role, reason, code and command, and the others run on', async () => {
      await project.write({
        'g.fbp': "'x' -> IN a(Repeat) OUT -> IN b(Print)\na OUT -> IN c(Fails)\n",
        'participants/Fails.js': "console.error('warming up');\nthrow new TypeError('no bananas');\n",
      });
      const running = project.start('msgflo', ['--graph', 'g.fbp', '--port', '0', '--forward', 'stdout']);
      await running.line(/^b \| x$/);
      await running.line(/^msgflo: role 'c' failed: /);
      const sent = await project.run('msgflo-send-message', ['--queue', 'a.IN', '--json', '"still"']);
      expect(sent.code, sent.stderr).to.equal(0);
      await running.line(/^b \| still$/);
      const { code, stderr } = await running.stop();
      expect(code).to.equal(0);
      const reason = 'exited with code 2.*\\(msgflo-participant: .*Fails\\.js cannot be loaded: no bananas\\)';
      const said = complaints(stderr);
      expect(said, stderr).to.have.length(2);
      expect(said[0]).to.match(
        new RegExp(`^msgflo: role 'c' ${reason}, starting again in \\d+ ms: .* participants/Fails\\.js$`),
      );
      expect(said[1]).to.match(
        new RegExp(
          `^msgflo: role 'c' failed: ${reason}, not started again: .*node.* --name c participants/Fails\\.js$`,
        ),
      );
    });

    it('that ends at once is said to have, with its last words', async () => {
      await project.write({
        'g.fbp': 'a(Ends) OUT -> IN b(Print)\n',
        'participants/Ends.js': "console.error('nothing to do');\nprocess.exit(0);\n",
      });
      const running = project.start('msgflo', ['--graph', 'g.fbp', '--port', '0', '--wait-timeout', '2']);
      await running.line(/^msgflo: role 'a' ended: exited with code 0 \(nothing to do\): .*Ends\.js$/);
      await running.line(/^msgflo: g\.fbp:1:1: role 'a' is pending: its process 'a' has ended$/);
      expect((await running.stop()).code).to.equal(0);
    });

    it('whose command is not there is said once, and the others run on', async () => {
      await project.write({
        'g.fbp': "'x' -> IN a(Repeat) OUT -> IN b(Print)\na OUT -> IN c(Absent)\n",
        'package.json': JSON.stringify({ type: 'module', msgflo: { components: { Absent: 'no-such-program #ROLE' } } }),
      });
      const running = project.start('msgflo', ['--graph', 'g.fbp', '--port', '0']);
      await running.line(/^b \| x$/);
      const { stderr } = await running.stop();
      expect(complaints(stderr)).to.deep.equal([
        "msgflo: role 'c' cannot be started (the command 'no-such-program' was not found): no-such-program c",
      ]);
    });
  });

  describe('a broker that is not there', () => {
    it('is waited for by msgflo, which starts to work when it comes, and again when it comes back', async () => {
      await project.write({ 'g.fbp': "'x' -> IN a(Repeat) OUT -> IN b(Print)\n" });
      const host = await Project.make();
      try {
        const address = `log://${host.dir}/.msgflo?start=false`;
        const running = project.start('msgflo', ['--graph', 'g.fbp', '--port', '0', '--broker', address]);
        await running.line(/trying again/);
        const broker = host.start('msgflo', ['--port', '0']);
        await running.line(/^b \| x$/);
        await broker.stop();
        const again = host.start('msgflo', ['--port', '0']);
        await again.line(/^msgflo started on /);
        await until(async () => {
          await host.run('msgflo-send-message', ['--queue', 'a.IN', '--json', '"again"']);
          return /^b \| again$/m.test(running.stderr);
        });
        const { code, stderr } = await running.stop();
        expect(code).to.equal(0);
        const tries = complaints(stderr).filter((line) => /trying again/.test(line));
        expect(tries, stderr).to.have.length(2);
        expect(
          complaints(stderr).filter((line) => !tries.includes(line)),
          stderr,
        ).to.deep.equal(['msgflo: connected to the broker', 'msgflo: connected to the broker again']);
      } finally {
        await host.clean();
      }
    });
  });

  describe('a broker that is not there, to tools that give up after 10 s', () => {
    /** Begun before all other specs of bad input and looked at here, as they do nothing but wait. */
    it('is said once, with its address', async () => {
      const { place, port, ended } = await waiting;
      for (const [name, scheme, { code, stdout, stderr, tookMs }] of await Promise.all(ended)) {
        const address = scheme === 'log' ? `log://${place}` : `${scheme}://user:\\*\\*\\*@127.0.0.1:${port}`;
        expect({ code, stdout }, `${name} ${stderr}`).to.deep.equal({ code: 1, stdout: '' });
        const [trying, gaveUp, ...more] = linesOf(stderr);
        expect(trying).to.match(new RegExp(`^msgflo: .*${address}.* trying again`));
        expect(gaveUp).to.match(new RegExp(`^${name}: .*${address}.*: (?:connect E|no node runs)`));
        expect(more, stderr).to.deep.equal([]);
        expect(tookMs).to.be.within(1900, 25_000);
      }
    });
  });

  it('a port that is taken is named in one line with --port, and nothing is left running', async () => {
    await project.write({ 'g.fbp': "'x' -> IN a(Repeat) OUT -> IN b(Print)\n" });
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const args = ['--graph', 'g.fbp', '--host', '127.0.0.1', '--port', String(port)];
    const { code, stdout, stderr } = await project.run('msgflo', args);
    other.close();
    expect({ code, stdout }, stderr).to.deep.equal({ code: 1, stdout: '' });
    expect(complaints(stderr)).to.have.length(1);
    expect(stderr).to.match(new RegExp(`^msgflo: 127\\.0\\.0\\.1:${port} is taken .*--port$`, 'm'));
    expect(await project.leftovers()).to.deep.equal([]);
    expect(project.brokerFiles()).to.deep.equal([]);
  });
});
