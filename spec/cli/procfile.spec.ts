import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { linesOf, Project, SPEC_LIMIT_MS } from './run-executable.js';

describe('msgflo-procfile', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  before(async () => {
    project = await Project.make({
      'g.fbp': "'x' -> IN a(Repeat) OUT -> IN b(Print)\nb DONE -> IN c(Sub)\n",
      'lib.json': JSON.stringify({ components: { Sub: 'run-sub --name #ROLE' } }),
      'other/Sub.js': '',
    });
  });
  after(() => project.clean());

  it('prints role and command of each participant, includes as they are, and not what is ignored', async () => {
    const args = ['--ignore', 'a', '--include', 'web: node web.js', '--library', 'lib.json', '--ignore', 'nobody'];
    const { code, stdout, stderr } = await project.run('msgflo-procfile', ['g.fbp', ...args, '--include', 'x: y']);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout).to.equal(
      'b: msgflo-participant --name b participants/Print.js\nc: run-sub --name c\nweb: node web.js\nx: y\n',
    );
  });

  it('takes components from the folder of --components', async () => {
    const { code, stdout, stderr } = await project.run('msgflo-procfile', [
      '--components=other',
      '--ignore=a',
      '--ignore=b',
      'g.fbp',
    ]);
    expect({ code, stdout, stderr }).to.deep.equal({
      code: 0,
      stdout: 'c: msgflo-participant --name c other/Sub.js\n',
      stderr: '',
    });
  });

  it('names component and role of what it does not know', async () => {
    const { code, stdout, stderr } = await project.run('msgflo-procfile', ['g.fbp']);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr).to.match(/^msgflo-procfile: g\.fbp:2:1: unknown component 'Sub' of role 'c'.*\n$/);
  });

  it('gives lines that a shell runs, whatever stands in a file name', async () => {
    const name = `It's "odd" $HOME; touch hacked #`;
    await project.write({
      [`odd/${name}.js`]: await readFile(join(project.dir, 'participants/Repeat.js'), 'utf8'),
      'odd/Print.js': await readFile(join(project.dir, 'participants/Print.js'), 'utf8'),
      'odd.json': JSON.stringify({
        processes: { odd: { component: name }, sink: { component: 'Print' } },
        connections: [
          { data: 'it works', tgt: { process: 'odd', port: 'in' } },
          { src: { process: 'odd', port: 'out' }, tgt: { process: 'sink', port: 'in' } },
        ],
      }),
    });
    await project.start('msgflo', ['--port', '0']).line(/^msgflo started on /);
    const { code, stdout, stderr } = await project.run('msgflo-procfile', ['odd.json', '--components', 'odd']);
    expect(code, stderr).to.equal(0);
    const commands = linesOf(stdout).map((line) => line.slice(line.indexOf(': ') + 2));
    const [, sink] = commands.map((line) => project.shell(`exec ${line}`));
    const set = await project.run('msgflo-setup', ['odd.json', '--timeout', '10']);
    expect(set.code, set.stderr).to.equal(0);
    await sink?.line(/^it works$/);
    expect(existsSync(join(project.dir, 'hacked'))).to.equal(false);
  });

  it('refuses a role that a Procfile cannot hold', async () => {
    await project.write({ 'role.json': '{"processes": {"a b": {"component": "Print"}}, "connections": []}' });
    const { code, stdout, stderr } = await project.run('msgflo-procfile', ['role.json']);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr).to.match(/^msgflo-procfile: role 'a b' cannot stand in a Procfile: .*\n$/);
  });
});
