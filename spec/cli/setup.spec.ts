import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { linesOf, Project, SPEC_LIMIT_MS, unique } from './run-executable.js';

/** Two roles and an edge, with names that nobody else uses on a shared broker. */
function pair() {
  const [from, to] = [unique('a'), unique('b')];
  return {
    from,
    to,
    binding: `PUBSUB: ${from}.OUT -> ${to}.IN`,
    graph: `'hello' -> IN ${from}(Repeat) OUT -> IN ${to}(Print)\n`,
  };
}

describe('msgflo-setup', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  let amqp: string;
  let mqtt: string;
  before(async function () {
    this.timeout(90_000);
    [{ url: amqp }, { url: mqtt }] = await Promise.all([sharedRabbit(), sharedMosquitto()]);
  });
  beforeEach(async () => {
    project = await Project.make();
  });
  afterEach(() => project.clean());

  for (const name of ['AMQP', 'MQTT']) {
    const broker = (): string => (name === 'AMQP' ? amqp : mqtt);

    it(`starts participants on ${name}, prints roles and bindings as old scripts read them, and stops them`, async () => {
      const { from, to, binding, graph } = pair();
      await project.write({ 'g.fbp': graph });
      const { code, stdout, stderr } = await project.run('msgflo-setup', [
        'g.fbp',
        '--participants',
        '--broker',
        broker(),
      ]);
      expect({ code, stdout }, stderr).to.deep.equal({
        code: 0,
        stdout: `Set up participants [ '${from}', '${to}' ]\nSet up bindings:\n${binding}\n`,
      });
      expect(linesOf(stderr).filter((line) => !line.includes(' | '))).to.deep.equal([]);
      expect(await project.leftovers()).to.deep.equal([]);
    });

    it(`binds what others started on ${name}, with the graph as last word`, async () => {
      const { from, to, binding, graph } = pair();
      await project.write({ 'g.fbp': graph });
      const others = [from, to].map((role) => {
        const file = `participants/${role === from ? 'Repeat' : 'Print'}.js`;
        return project.start('msgflo-participant', ['--broker', broker(), '--name', role, file]);
      });
      await Promise.all(others.map((one) => one.line(/ connected to /)));
      const { code, stdout, stderr } = await project.run('msgflo-setup', [
        '--discover',
        '--timeout=10',
        '--participants=false',
        '--broker',
        broker(),
        'g.fbp',
      ]);
      expect({ code, stdout, stderr }).to.deep.equal({
        code: 0,
        stdout: `Set up participants []\nSet up bindings:\n${binding}\n`,
        stderr: '',
      });
      await others[1]?.line(/^hello$/);
    });

    it(`stays with --forever on ${name}, forwarding output, until interrupted`, async () => {
      const { binding, graph } = pair();
      await project.write({ 'g.fbp': graph });
      const args = ['--broker', broker(), '--participants', '--forever', '--forward', 'stdout', 'g.fbp'];
      const running = project.start('msgflo-setup', args);
      await running.line(/ \| hello$/);
      await running.line(/^PUBSUB: /);
      const { code, stdout, stderr } = await running.stop();
      expect(code, stderr).to.equal(0);
      expect(linesOf(stdout)).to.include(binding);
      expect(await project.leftovers()).to.deep.equal([]);
    });
  }

  it('brings an embedded broker along with --forever, which the others in the folder find', async () => {
    const { from, to, binding, graph } = pair();
    await project.write({ 'g.fbp': graph });
    const running = project.start('msgflo-setup', ['g.fbp', '--participants', 'true', '--forever', 'true']);
    await running.line(/^PUBSUB: /);
    const sent = await project.run('msgflo-send-message', ['--queue', `${from}.IN`, '--json', '"by hand"']);
    expect(sent.code, sent.stderr).to.equal(0);
    await running.line(new RegExp(`^${to} \\| by hand$`));
    const again = await project.run('msgflo-setup', ['g.fbp', '--timeout', '5']);
    expect(linesOf(again.stdout), again.stderr).to.include(binding);
    const { code, stderr } = await running.stop('SIGTERM');
    expect({ code, stderr }).to.include({ code: 0 });
    expect(stderr).not.to.include('cannot reach');
    expect(await project.leftovers()).to.deep.equal([]);
    expect(project.brokerFiles()).to.deep.equal([]);
  });

  it('gives it the settings it was asked for, and says where they are not in force', async () => {
    const { binding, graph } = pair();
    await project.write({ 'g.fbp': graph });
    const args = ['g.fbp', '--participants', '--log-memory'];
    const running = project.start('msgflo-setup', [...args, '--forever']);
    await running.line(/^PUBSUB: /);
    expect(existsSync(join(project.dir, '.msgflo', 'log'))).to.equal(false);
    const again = await project.run('msgflo-setup', ['g.fbp', '--timeout', '5', '--log-memory']);
    expect(linesOf(again.stdout), again.stderr).to.include(binding);
    expect(again.stderr).to.include('--log-memory: not in force, without --forever none is brought along\n');
    await running.stop('SIGTERM');
  });

  it('names round robins and dead letters', async () => {
    const [from, to, dead] = [unique('a'), unique('b'), unique('c')];
    await project.write({
      'g.fbp': `${from}(Repeat) OUT -> IN rr(msgflo/RoundRobin) OUT -> IN ${to}(Repeat)\nrr DEADLETTER -> IN ${dead}(Print)\n`,
    });
    const { code, stdout, stderr } = await project.run('msgflo-setup', ['g.fbp', '--participants', '--broker', amqp]);
    expect(code, stderr).to.equal(0);
    const [participants, title, ...bindings] = linesOf(stdout);
    expect(participants).to.equal(`Set up participants [ '${from}', '${to}', '${dead}' ]`);
    expect(title).to.equal('Set up bindings:');
    expect(bindings).to.have.members([`ROUNDROBIN: ${from}.OUT -> ${to}.IN`, `DEADLETTER: ${to}.IN -> ${dead}.IN`]);
  });

  it('starts only those of --only, or all but those of --ignore, and waits for the others', async () => {
    const { from, to, binding, graph } = pair();
    await project.write({ 'g.fbp': graph });
    const only = project.run('msgflo-setup', ['g.fbp', '--participants', '--only', from, '--broker', amqp]);
    const ignoring = project.run('msgflo-setup', [
      'g.fbp',
      '--participants',
      '--ignore',
      `${from},rr`,
      '--broker',
      amqp,
    ]);
    const [{ code, stdout, stderr }, second] = await Promise.all([only, ignoring]);
    expect(code, stderr).to.equal(0);
    expect(linesOf(stdout)).to.deep.equal([`Set up participants [ '${from}' ]`, 'Set up bindings:', binding]);
    expect(linesOf(second.stdout)[0]).to.equal(`Set up participants [ '${to}' ]`);
  });

  it('exits 1 when the time is over, naming role, edge and line of what is missing', async () => {
    const { from, to, graph } = pair();
    await project.write({ 'g.fbp': `# nobody plays these\n${graph}` });
    const { code, stdout, stderr } = await project.run('msgflo-setup', ['g.fbp', '--timeout', '0.5', '--broker', mqtt]);
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: 'Set up participants []\nSet up bindings:\n' });
    expect(stderr).to.equal(
      `msgflo-setup: not all could be set up: g.fbp:2:1: edge '${from} out -> in ${to}' is pending: ` +
        `nobody has announced the role '${from}'\n`,
    );
  });

  it('starts commands by the shell that --shell names, and takes a graph behind it for the graph', async () => {
    const { from, to, graph } = pair();
    const msgflo = {
      components: { Repeat: 'exec msgflo-participant --name #ROLE participants/Repeat.js > "$HERE/#ROLE.out"' },
    };
    await project.write({ 'g.fbp': graph, 'lib.json': JSON.stringify({ msgflo }), 'a b/README': '' });
    const env = { HERE: `${project.dir}/a b` };
    for (const shell of [['--shell'], ['--shell', '/bin/sh']]) {
      const args = ['--broker', amqp, '--library', 'lib.json', '--participants', ...shell, 'g.fbp'];
      const { code, stdout, stderr } = await project.run('msgflo-setup', args, { env });
      expect(code, stderr).to.equal(0);
      expect(linesOf(stdout)[0]).to.equal(`Set up participants [ '${from}', '${to}' ]`);
      expect(stderr).not.to.include(`${from} connected`);
    }
  });

  const misuses: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'a role that the graph does not have',
      ['--only', 'nobody'],
      /^msgflo-setup: g\.fbp has no role 'nobody'; it has: a, b$/,
    ],
    ['a time that is no number', ['--timeout', 'soon'], /^msgflo-setup: --timeout is a number of seconds, not 'soon'$/],
    [
      'a stream that is none',
      ['--forward', 'stdin'],
      /^msgflo-setup: --forward takes stderr, stdout or both, not 'stdin'$/,
    ],
    ['a flag that is neither', ['--forever=maybe'], /^msgflo-setup: --forever is true or false, not 'maybe'$/],
    ['a size that is none', ['--log-keep-bytes', 'much'], /^msgflo-setup: --log-keep-bytes is a size such as 500MiB/],
    ['two graphs', ['h.fbp'], /^msgflo-setup: too many arguments\. .*\(--help lists the options\)$/],
  ];
  it('answers misuse with one line and exit code 2', async () => {
    await project.write({ 'g.fbp': 'a(Repeat) OUT -> IN b(Print)\n' });
    const all = misuses.map(async ([what, args, words]) => {
      const { code, stdout, stderr } = await project.run('msgflo-setup', ['g.fbp', '--participants', ...args]);
      expect({ code, stdout }, what).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr.trimEnd(), what).to.match(words);
    });
    await Promise.all(all);
  });
});
