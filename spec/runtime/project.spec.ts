import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadLibrary } from '../../src/library/index.js';
import { asRole } from '../../src/names.js';
import { Project } from '../../src/runtime/index.js';
import { graphOf } from './scene.js';

describe('Project', () => {
  let folder: string;
  let project: Project;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-project-'));
    await mkdir(join(folder, 'participants'));
    await writeFile(join(folder, 'participants/Work.js'), '');
    const components = { Given: 'run --iips #IIPS --name #ROLE', Odd: 'run | tee' };
    await writeFile(join(folder, 'package.json'), JSON.stringify({ msgflo: { components } }));
    const load = () => loadLibrary({ baseDir: folder });
    project = new Project({ library: await load(), load, launch: { broker: 'b', ignore: ['left'] } });
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('leaves nodes out that cannot be started, each with the reason, and starts the others', () => {
    const graph = graphOf(
      'a(Work) OUT -> IN b(Odd) OUT -> IN c(Wrok) OUT -> IN d(Work:instances=0), left(Gone) OUT -> IN a',
    );
    const { launches, unfit } = project.launchesOf(graph);
    expect([...launches.keys()]).to.deep.equal(['a']);
    expect([...unfit].map(([role, why]) => [role, why.slice(0, 30)])).to.deep.equal([
      ['b', "the command of component 'Odd'"],
      ['c', "unknown component 'Wrok' of ro"],
      ['d', "role 'd': metadata 'instances'"],
    ]);
  });

  it('refuses nodes that ask for what makes no sense, and takes those of unknown components', () => {
    const nodesOf = (text: string) => graphOf(text).nodes;
    expect(() => project.check(nodesOf('d(Work:instances=0)')))
      .to.throw("role 'd'")
      .with.property('code', 'MSGFLO_USAGE');
    expect(() => project.check(nodesOf('c(Wrok)'))).not.to.throw();
  });

  it('makes commands anew where IIPs or the library changed, and only there', async () => {
    const graph = graphOf("'x' -> IN g(Given) OUT -> IN a(Work)");
    const before = project.launchesOf(graph).launches;
    const after = project.launchesOf({ ...graph, iips: [] }).launches;
    expect(after.get(asRole('a'))).to.equal(before.get(asRole('a')));
    expect(after.get(asRole('g'))?.specs[0]?.argv).to.deep.equal(['run', '--iips', '{}', '--name', 'g']);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ msgflo: { components: { Given: 'other' } } }));
    await project.reload();
    expect(project.launchesOf(graph).launches.get(asRole('g'))?.specs[0]?.argv).to.deep.equal(['other']);
  });

  it('makes nothing anew when the library is read again and has not changed', async () => {
    const graph = graphOf('g(Given) OUT -> IN c(Wrok)');
    const before = project.launchesOf(graph);
    await project.reload();
    expect(project.launchesOf(graph)).to.equal(before);
    await writeFile(join(folder, 'participants/Wrok.js'), '');
    await project.reload();
    expect([...project.launchesOf(graph).launches.keys()]).to.deep.equal(['g', 'c']);
  });

  it('starts nothing for a role that is left to others, until it is taken back', () => {
    const graph = graphOf('a(Work) OUT -> IN b(Work)');
    project.leaveToOthers(asRole('a'));
    expect([...project.launchesOf(graph).launches.keys()]).to.deep.equal(['b']);
    project.takeBack(asRole('a'));
    expect([...project.launchesOf(graph).launches.keys()]).to.deep.equal(['a', 'b']);
  });
});
