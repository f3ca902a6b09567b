import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { until } from '../process/processes.js';
import { linesOf, Project, type Running, SPEC_LIMIT_MS } from './run-executable.js';

const GRAPH = "'world' -> NAME greet(Greet) OUT -> IN print(Print)\n";
const ARGS = ['--graph', 'hello.fbp', '--port', '0'];

describe('an interrupted msgflo', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  beforeEach(async () => {
    project = await Project.make({ 'hello.fbp': GRAPH });
  });
  afterEach(() => project.clean());

  /** Nothing runs, no socket, no file that names a broker. */
  const expectNothingLeft = async (): Promise<void> => {
    expect(await project.leftovers()).to.deep.equal([]);
    expect(project.brokerFiles()).to.deep.equal([]);
  };
  const complaints = ({ stderr }: Pick<Running, 'stderr'>): string[] =>
    linesOf(stderr).filter((line) => !/ \| |using the embedded|roles live|: stopping \d process(es)?$/.test(line));

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`leaves nothing behind on ${signal}, also when it comes twice`, async () => {
      const running = project.start('msgflo', ARGS);
      await running.line(/^print \| Hello, world!$/);
      expect(project.brokerFiles()).to.have.members(['broker.json', 'broker.sock']);
      running.child.kill(signal);
      await running.line(/: stopping 2 processes$/);
      running.child.kill(signal);
      const ended = await running.ended;
      expect(ended).to.include({ code: 0 });
      expect(complaints(ended)).to.deep.equal([]);
      await expectNothingLeft();
    });
  }

  it('leaves nothing behind at whatever moment of its start it is', async () => {
    const moments: readonly ((running: Running) => Promise<unknown>)[] = [
      ...[200, 400, 700].map((ms) => () => delay(ms)),
      () => until(() => project.brokerFiles().length > 0),
      (running) => running.line(/using the embedded/),
      (running) => running.line(/^msgflo started on/),
      () => until(() => project.pidsOf('participants/Greet.js').length > 0),
    ];
    for (const moment of moments) {
      const running = project.start('msgflo', ARGS);
      await moment(running);
      running.child.kill('SIGINT');
      running.child.kill('SIGINT');
      const ended = await running.ended;
      // Before it listens to signals at all, the signal itself is its end.
      expect(ended.code === 0 || ended.signal === 'SIGINT', JSON.stringify(ended)).to.equal(true);
      expect(complaints(ended)).to.deep.equal([]);
      await expectNothingLeft();
    }
  });

  it('leaves nothing behind when Ctrl-C reaches `npm start` and all in its group, twice', async () => {
    const scripts = { start: `msgflo ${ARGS.join(' ')}` };
    await project.write({ 'package.json': JSON.stringify({ type: 'module', scripts }) });
    const running = project.shell('npm start', { group: true });
    await running.line(/^print \| Hello, world!$/);
    running.pressCtrlC();
    await delay(30);
    running.pressCtrlC();
    await running.ended;
    await expectNothingLeft();
  });

  it('killed with -9 leaves nothing behind either', async () => {
    const running = project.start('msgflo', ARGS);
    await running.line(/^print \| Hello, world!$/);
    await running.stop('SIGKILL');
    await expectNothingLeft();
  });

  it('lets participants finish what they have in hand', async () => {
    await project.write({
      'participants/Slow.js': `import { setTimeout } from 'node:timers/promises';
        import { participant } from 'msgflo';
        export default participant({ component: 'Slow', inports: { in: {} }, outports: { out: {} }, async process() {
          console.log('begun');
          await setTimeout(700);
          console.log('finished');
        } });`,
      'slow.fbp': "'x' -> IN slow(Slow)\n",
    });
    const running = project.start('msgflo', ['--graph', 'slow.fbp', '--port', '0']);
    await running.line(/^slow \| begun$/);
    const ended = await running.stop();
    expect(ended.stderr).to.match(/^slow \| finished$/m);
    expect(complaints(ended)).to.deep.equal([]);
    await expectNothingLeft();
  });

  describe('beside another one in its folder', () => {
    const other = "'two' -> NAME greet2(Greet) OUT -> IN print2(Print)\n";

    it('leaves the other one working, on a broker in the place of the first', async () => {
      await project.write({ 'other.fbp': other });
      const first = project.start('msgflo', ARGS);
      await first.line(/^print \| Hello, world!$/);
      const second = project.start('msgflo', ['--graph', 'other.fbp', '--port', '0']);
      expect(await second.line(/using the embedded broker/)).to.include('that runs in this folder already');
      await second.line(/^print2 \| Hello, two!$/);
      const ended = await first.stop();
      expect({ code: ended.code, complaints: complaints(ended) }).to.deep.equal({ code: 0, complaints: [] });
      await until(async () => {
        await project.run('msgflo-send-message', ['--queue', 'greet2.NAME', '--json', '"again"']);
        return /^print2 \| Hello, again!$/m.test(second.stderr);
      });
      expect((await second.stop()).code).to.equal(0);
      await expectNothingLeft();
    });

    it('works when both are started at once, and nothing is left of either', async () => {
      await project.write({ 'other.fbp': other });
      const both = [ARGS, ['--graph', 'other.fbp', '--port', '0']].map((args) => project.start('msgflo', args));
      await both[0]?.line(/^print \| Hello, world!$/);
      await both[1]?.line(/^print2 \| Hello, two!$/);
      for (const ended of await Promise.all(both.map((one) => one.stop())))
        expect(ended.code, ended.stderr).to.equal(0);
      await expectNothingLeft();
    });
  });
});
