import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { gitCommit } from '../../src/runtime/index.js';
import { until } from '../participant/network.js';
import { addNode, Scene } from './scene.js';

describe('program texts of a runtime', () => {
  let scene: Scene;
  afterEach(() => scene.close());

  const source = (name: string, code: string) => ({ name, language: 'javascript', code });
  const starts = (key: string): number => scene.launcher.started.filter((one) => one === key).length;

  it('writes one, restarts those who run it, and tells everybody', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN c(Keep)');
    await scene.complete();
    scene.told.length = 0;
    const component = await scene.runtime.setComponentSource(source('Repeat', '// anew'));
    expect(component).to.deep.include({
      name: 'Repeat',
      inPorts: [{ id: 'in', type: 'any', description: 'anything' }],
    });
    expect(scene.ofKind('component')).to.deep.equal([{ kind: 'component', component }]);
    expect(await readFile(join(scene.folder, 'participants/Repeat.js'), 'utf8')).to.equal('// anew');
    await until(() => starts('a') === 2);
    await scene.complete();
    expect(starts('c')).to.equal(1);
    expect(await scene.runtime.componentSource('Repeat')).to.deep.equal(source('Repeat', '// anew'));
  });

  it('restarts nobody for the same text', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN c(Keep)', { files: { 'participants/Repeat.js': '// as it is' } });
    await scene.complete();
    scene.told.length = 0;
    const component = await scene.runtime.setComponentSource(source('Repeat', '// as it is'));
    expect(component.name).to.equal('Repeat');
    expect(scene.told).to.deep.equal([]);
  });

  it('starts nodes that waited for the component, with its namespace', async () => {
    scene = await Scene.open('x(ours/Fresh)', { files: { 'package.json': '{"msgflo":{"namespace":"ours"}}' } });
    expect(scene.runtime.nodes()[0]?.why).to.contain("unknown component 'ours/Fresh'");
    const [component] = await Promise.all([
      scene.runtime.setComponentSource(source('Fresh', '// one')),
      scene.runtime.setComponentSource(source('Fresh', '// two')),
    ]);
    expect(component).to.deep.equal({ name: 'ours/Fresh', inPorts: [], outPorts: [] });
    await until(() => starts('x') > 0);
    expect(await readFile(join(scene.folder, 'participants/Fresh.js'), 'utf8')).to.equal('// two');
    expect(scene.runtime.components().map(({ name }) => name)).to.include('ours/Fresh');
  });

  it('says why it refuses, and then nothing has changed', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN c(Keep)');
    await scene.complete();
    scene.told.length = 0;
    const refused = await scene.runtime.setComponentSource(source('../Repeat', 'boom')).catch((error) => error);
    expect(refused).to.have.property('code', 'MSGFLO_SOURCE_REFUSED');
    expect(await scene.runtime.componentSource('../Repeat')).to.equal(undefined);
    expect(scene.told).to.deep.equal([]);
  });

  it('keeps what runs when the project cannot be read any more', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN c(Keep)');
    await scene.complete();
    await writeFile(join(scene.folder, 'package.json'), '{');
    const refused = await scene.runtime.setComponentSource(source('Other', '//')).catch((error) => error);
    expect(refused).to.have.property('code', 'MSGFLO_USAGE');
    scene.runtime.edit(addNode('b', 'Repeat'));
    await until(() => starts('b') > 0);
  });

  it('knows the commit of the project, however it lies there', async () => {
    scene = await Scene.open('');
    const git = join(scene.folder, '.git');
    const [one, two] = ['1'.repeat(40), '2'.repeat(40)];
    const inside = join(scene.folder, 'participants');
    await mkdir(join(git, 'refs/heads'), { recursive: true });
    await writeFile(join(git, 'HEAD'), `${one}\n`);
    expect(await gitCommit(inside)).to.equal(one);
    await writeFile(join(git, 'HEAD'), 'ref: refs/heads/main\n');
    expect(await gitCommit(inside)).to.equal(undefined);
    await writeFile(join(git, 'packed-refs'), `# pack-refs with: peeled\n${two} refs/heads/main\n`);
    expect(await gitCommit(inside)).to.equal(two);
    await writeFile(join(git, 'refs/heads/main'), `${one}\n`);
    expect(await gitCommit(inside)).to.equal(one);
    await rm(git, { recursive: true });
    await mkdir(join(scene.folder, 'real/worktrees/w'), { recursive: true });
    await writeFile(join(scene.folder, 'real/packed-refs'), `${two} refs/heads/side\n`);
    await writeFile(join(scene.folder, 'real/worktrees/w/HEAD'), 'ref: refs/heads/side\n');
    await writeFile(join(scene.folder, 'real/worktrees/w/commondir'), '../..\n');
    await writeFile(git, 'gitdir: real/worktrees/w\n');
    expect(await gitCommit(inside)).to.equal(two);
  });
});
