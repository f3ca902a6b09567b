import { expect } from 'chai';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { linesOf, Project, SPEC_LIMIT_MS, unique } from './run-executable.js';

describe('msgflo-send-message and msgflo-dump-message', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  const brokers: Record<string, string | undefined> = {};
  before(async function () {
    this.timeout(90_000);
    const [rabbit, mosquitto] = await Promise.all([sharedRabbit(), sharedMosquitto()]);
    brokers['AMQP'] = rabbit.url;
    brokers['MQTT'] = mosquitto.url;
    project = await Project.make();
    await project.start('msgflo', ['--port', '0']).line(/^msgflo started on /);
  });
  after(() => project.clean());

  for (const name of ['AMQP', 'MQTT', 'the embedded broker of the folder']) {
    const at = (): string[] => (brokers[name] === undefined ? [] : ['--broker', brokers[name] ?? '']);
    const queueOf = async (role: string, file: string): Promise<void> => {
      await project
        .start('msgflo-participant', [...at(), '--name', role, `participants/${file}.js`])
        .line(/ connected to /);
    };
    const send = (queue: string, json: string) =>
      project.run('msgflo-send-message', [...at(), '--queue', queue, '--json', json]);

    it(`hand a message to a participant on ${name}`, async () => {
      const role = unique('p');
      const sink = project.start('msgflo-participant', [...at(), '--name', role, 'participants/Print.js']);
      await sink.line(/ connected to /);
      const { code, stdout, stderr } = await send(`${role}.IN`, '{"a": [1, null, "é"]}');
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(stdout).to.match(new RegExp(`^sent to ${role}\\.IN, trace [0-9a-f]{32}\n$`));
      await sink.line(/^\{"a":\[1,null,"é"\]\}$/);
    });

    it(`print what passes an outqueue on ${name}: one as JSON, several as an array, each on one line`, async () => {
      const role = unique('p');
      await queueOf(role, 'Repeat');
      const [one, two] = [1, 2].map((amount) =>
        project.start('msgflo-dump-message', ['--queue', `${role}.OUT`, '--amount', String(amount), ...at()]),
      );
      // An outqueue holds nothing: it is fed until both have had enough.
      const over = Promise.all([one?.ended, two?.ended]);
      let isOver = false;
      void over.then(() => {
        isOver = true;
      });
      while (!isOver) await send(`${role}.IN`, '{"n": 0}');
      const [first, second] = await over;
      expect(first, first?.stderr).to.include({ code: 0, stdout: '{"n":0}\n' });
      expect(second, second?.stderr).to.include({ code: 0, stdout: '[{"n":0},{"n":0}]\n' });
    });
  }

  it('take what waits in an inqueue, in order', async () => {
    const role = unique('p');
    const owner = project.start('msgflo-participant', ['--name', role, 'participants/Print.js']);
    await owner.line(/ connected to /);
    await owner.stop();
    for (const json of ['1', 'false', '""']) {
      expect(await project.run('msgflo-send-message', ['--queue', `${role}.IN`, '--json', json])).to.include({
        code: 0,
      });
    }
    const dumped = await project.run('msgflo-dump-message', ['--amount=3', '--queue', `${role}.IN`]);
    expect(dumped).to.include({ code: 0, stdout: '[1,false,""]\n', stderr: '' });
  });

  it('name a queue that is not there, and exit 1', async () => {
    for (const name of ['AMQP', 'MQTT', 'the embedded broker']) {
      const at = brokers[name] === undefined ? [] : ['--broker', brokers[name] ?? ''];
      const { code, stdout, stderr } = await project.run('msgflo-send-message', [
        ...at,
        '--json=1',
        '--queue',
        unique('not.there'),
      ]);
      expect({ code, stdout }, name).to.deep.equal({ code: 1, stdout: '' });
      expect(stderr, name).to.match(/^msgflo-send-message: .*'not\.there.*'.*\n$/);
    }
    const dump = await project.run('msgflo-dump-message', ['--broker', brokers['AMQP'] ?? '', '--queue', 'not.there']);
    expect(dump).to.include({ code: 1, stderr: "msgflo-dump-message: there is no queue 'not.there' at the broker\n" });
  });

  it('say of an interrupted wait nothing but its exit code', async () => {
    const role = unique('p');
    await project.start('msgflo-participant', ['--name', role, 'participants/Print.js']).line(/ connected to /);
    const waiting = project.start('msgflo-dump-message', ['--queue', `${role}.OUT`]);
    const { code, stdout, stderr } = await waiting.stop();
    expect(stdout + stderr).to.equal('');
    expect(code === 1 || code === null).to.equal(true);
  });

  it('say that a full queue lets them wait, and end when interrupted', async () => {
    const role = unique('p');
    const text = `import { participant } from 'msgflo';
export default participant({
  component: 'Stuck',
  inports: { in: { maxLength: 1 } },
  process: () => new Promise(() => {}),
});`;
    await project.write({ 'participants/Stuck.js': text });
    await project.start('msgflo-participant', ['--name', role, 'participants/Stuck.js']).line(/ connected to /);
    const send = () => project.start('msgflo-send-message', ['--queue', `${role}.IN`, '--json', '1']);
    const waiting = [send(), send(), send()];
    const stuck = await Promise.any(waiting.map(async (one) => one.line(/has not confirmed/).then(() => one)));
    stuck.child.kill('SIGINT');
    const { code, stdout, stderr } = await stuck.ended;
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(linesOf(stderr).at(-1)).to.match(/^msgflo: interrupted: .* may arrive or not$/);
    for (const one of waiting) one.child.kill('SIGINT');
  });

  it('answer misuse with one line and exit code 2', async () => {
    const misuses: readonly (readonly [string, readonly string[], RegExp])[] = [
      ['msgflo-send-message', ['--queue', 'q', '--json', '{'], /^msgflo-send-message: --json is not JSON: /],
      ['msgflo-send-message', ['--queue', '', '--json', '1'], /^msgflo-send-message: .*queue/],
      [
        'msgflo-send-message',
        ['--queue', 'q', '--json', '1', '--traceparent', '00-1-2-03'],
        /--traceparent is 00-<32 hex digits>-<16>-<2>/,
      ],
      ['msgflo-dump-message', ['--queue', 'q', '--amount', '0'], /--amount is a whole number above 0, not '0'/],
      ['msgflo-dump-message', ['--amount', '1'], /required option '--queue <name>' not specified/],
    ];
    for (const [name, args, words] of misuses) {
      const { code, stdout, stderr } = await project.run(name, args);
      expect({ code, stdout }, stderr).to.deep.equal({ code: 2, stdout: '' });
      expect(linesOf(stderr)).to.have.length(1);
      expect(stderr).to.match(words);
    }
  });
});
