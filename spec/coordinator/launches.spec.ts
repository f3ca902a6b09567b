import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { launchesOf } from '../../src/coordinator/launches.js';
import { readFbp } from '../../src/graph/index.js';
import { type Library, loadLibrary } from '../../src/library/index.js';
import { asRole } from '../../src/names.js';

const graphOf = (text: string) => readFbp(text, { path: 'main.fbp' }).graph;

describe('launchesOf', () => {
  let folder: string;
  let library: Library;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-launches-'));
    await mkdir(join(folder, 'participants'));
    await writeFile(join(folder, 'participants/Work.js'), '');
    const components = { Given: 'run --iips #IIPS --name #ROLE' };
    await writeFile(join(folder, 'package.json'), JSON.stringify({ msgflo: { components } }));
    library = await loadLibrary({ baseDir: folder });
  });
  after(() => rm(folder, { recursive: true }));

  const specsOf = (text: string, more = {}) => {
    const { launches } = launchesOf(graphOf(text), library, { broker: 'amqp://b', ...more });
    return [...launches.values()].flatMap(({ specs }) => specs);
  };

  it('starts one process for a role, in the project, with broker, run and slot in its environment', () => {
    expect(specsOf('a(Work) OUT -> IN b(Work)', { run: 'r1' })[0]).to.deep.equal({
      key: 'a',
      role: 'a',
      argv: ['msgflo-participant', '--name', 'a', 'participants/Work.js'],
      env: { MSGFLO_BROKER: 'amqp://b', MSGFLO_SLOT: 'a.1', MSGFLO_RUN: 'r1' },
      cwd: folder,
    });
  });

  it("tells participants of ours of the broker's other door beside it, where it has one", () => {
    expect(specsOf('a(Work) OUT -> IN b(Work)', { log: 'log:///f' })[0]?.env).to.include({
      MSGFLO_BROKER: 'amqp://b',
      MSGFLO_LOG: 'log:///f',
    });
  });

  it('starts as many as metadata `instances` says, each with a slot of its own', () => {
    const specs = specsOf('a(Work:instances=3) OUT -> IN b(Work)').filter(({ role }) => role === 'a');
    expect(specs.map(({ key }) => key)).to.deep.equal(['a.1', 'a.2', 'a.3']);
    expect(specs.map(({ env }) => env?.MSGFLO_SLOT)).to.deep.equal(['a.1', 'a.2', 'a.3']);
  });

  it('starts one of each, and none with a slot, where they are there only to be discovered', () => {
    const specs = specsOf('a(Work:instances=3) OUT -> IN b(Work)', { briefly: true });
    expect(specs.map(({ key }) => key)).to.deep.equal(['a', 'b']);
    expect(specs.map(({ env }) => env)).to.deep.equal(specs.map(() => ({ MSGFLO_BROKER: 'amqp://b' })));
  });

  it('refuses a number of instances that makes no sense, naming the role', () => {
    for (const wrong of ['0', 'many', '1001']) {
      expect(() => specsOf(`a(Work:instances=${wrong}) OUT -> IN b(Work)`))
        .to.throw(`role 'a': metadata 'instances' is a whole number from 1 to 1000, not '${wrong}'`)
        .with.property('code', 'MSGFLO_USAGE');
    }
  });

  it('leaves out what is ignored, nodes without a component, and what is no participant', () => {
    const text = 'a(Work) OUT -> IN rr(msgflo/RoundRobin) OUT -> IN b(Work)';
    expect(specsOf(text, { ignore: ['b'] }).map(({ key }) => key)).to.deep.equal(['a']);
  });

  it('gives IIPs on the command line where the template takes them, each as one argument, and says so', () => {
    const { launches } = launchesOf(graphOf('\'a "b"; c\' -> IN g(Given)'), library, { broker: 'amqp://b' });
    const launch = launches.get(asRole('g'));
    expect(launch?.takesIips).to.equal(true);
    expect(launch?.specs[0]?.argv).to.deep.equal(['run', '--iips', '{"in":"a \\"b\\"; c"}', '--name', 'g']);
  });

  it('lists roles whose component is not in the library, and starts the others', () => {
    const { launches, unknown } = launchesOf(graphOf('a(Nope) OUT -> IN b(Work)'), library, { broker: 'amqp://b' });
    expect([...launches.keys()]).to.deep.equal(['b']);
    expect(unknown.map(({ role }) => role)).to.deep.equal(['a']);
    expect(unknown[0]?.error.message).to.include("'Nope'").and.include("'a'");
  });

  it('hands one text to a shell where one is asked for', () => {
    const [spec] = specsOf('a(Work) OUT -> IN b(Work)', { shell: true });
    expect(spec).to.deep.include({ shell: true, argv: ['msgflo-participant --name a participants/Work.js'] });
  });
});
