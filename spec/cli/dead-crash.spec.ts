import { expect } from 'chai';
import { RedriveJournal } from '../../src/cli/dead-journal.js';
import { HEADER } from '../../src/transport/index.js';
import { until } from '../participant/network.js';
import { DeadScene, lettersOf, taken } from './dead-scene.js';
import { Project } from './run-executable.js';

const LETTERS = 300;
const KILLS = 5;

describe('msgflo-dead redrive that is killed', function () {
  this.timeout(60_000);
  let scene: DeadScene;
  let project: Project;
  before(async function () {
    this.timeout(90_000);
    scene = await DeadScene.open();
  });
  beforeEach(async () => {
    project = await Project.make();
  });
  afterEach(async () => {
    await scene.clean();
    await project.clean();
  });
  after(() => scene.close());

  for (const name of ['AMQP', 'MQTT'] as const) {
    it(`loses nothing on ${name}, and doubles only what was told`, async () => {
      const url = scene.url(name);
      const broker = await scene.client(url);
      const messages = Array.from({ length: LETTERS }, (_, n) => ({
        data: n,
        headers: { [HEADER.messageId]: `m${n}` },
      }));
      const queue = await scene.died(broker, messages);
      const got = await taken(broker, queue);
      const all = ['redrive', '--queue', queue, '--broker', url, '--rate', 'max'];
      for (let kill = 0; kill < KILLS; kill += 1) {
        const before = got.length;
        const one = project.start('msgflo-dead', all);
        const upTo = before + 1 + Math.floor((Math.random() * LETTERS) / KILLS / 2);
        await until(() => got.length >= upTo || one.child.exitCode !== null);
        one.child.kill('SIGKILL');
        await one.ended;
      }
      const told = await project.run('msgflo-dead', all);
      const words = /(\S+) may have been sent already before a crash$/gm;
      const unsure = [...told.stderr.matchAll(words)].map(([, id]) => id ?? '');
      expect(unsure.length).to.be.at.most(KILLS);
      expect(told.code, told.stderr).to.equal(unsure.length > 0 ? 1 : 0);
      expect(await lettersOf(broker, queue)).to.have.length(unsure.length);
      const last = await project.run('msgflo-dead', [...all, '--unsure', 'send']);
      expect(last.code, last.stderr).to.equal(0);
      await until(() => new Set(got.map(({ data }) => data)).size === LETTERS);
      expect(await lettersOf(broker, queue)).to.deep.equal([]);
      const times = new Map<string, number>();
      for (const { headers } of got) {
        const id = headers[HEADER.messageId] ?? '';
        times.set(id, (times.get(id) ?? 0) + 1);
      }
      expect(unsure).to.include.members([...times].filter(([, count]) => count > 1).map(([id]) => id));
    });
  }

  it('is told what may have been sent, and does with it what it is told', async () => {
    const url = scene.url('AMQP');
    const broker = await scene.client(url);
    const messages = ['a', 'b', 'c'].map((id) => ({ data: id, headers: { [HEADER.messageId]: id } }));
    const queue = await scene.died(broker, messages);
    const journal = await RedriveJournal.read({ dir: `${scene.dir}/.msgflo`, broker: url, queue });
    for (const id of ['a', 'b']) await journal.begin({ key: id, id, redriven: 0 });
    await journal.close();
    const got = await taken(broker, queue);
    const run = (...args: string[]) => scene.look(url, 'redrive', '--queue', queue, '--rate', 'max', ...args);

    const dry = await run('--dry-run');
    expect(dry.code).to.equal(1);
    const skipped = await run();
    expect(skipped).to.deep.include({ code: 1, complaint: '' });
    expect(skipped.lines.filter((line) => !line.startsWith('unsure'))).to.deep.equal([
      'redriven 1 dead letter; left 2 dead letters that may have been sent already (--unsure send, or --unsure drop)',
    ]);
    const dropped = await run('--unsure', 'drop', '--where', 'id=a');
    expect(dropped.lines).to.deep.equal([
      `dropped ${queue} a: it is broken`,
      'redriven 0 dead letters; dropped 1 dead letter',
    ]);
    expect((await run()).code, 'b is unsure still').to.equal(1);
    expect((await run('--unsure', 'send')).lines).to.deep.equal(['redriven 1 dead letter']);
    expect((await run()).code).to.equal(0);
    await until(() => got.length === 2);
    expect(got.map(({ data }) => data)).to.deep.equal(['c', 'b']);
  });
});
