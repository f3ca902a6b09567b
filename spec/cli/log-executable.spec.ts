import { join } from 'node:path';
import { expect } from 'chai';
import { openStore, segmentFiles } from '../../src/log/index.js';
import { linesOf, Project, SPEC_LIMIT_MS } from './run-executable.js';

describe('msgflo-log as an executable', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  before(async () => {
    project = await Project.make();
    const store = await openStore(join(project.dir, '.msgflo/log'));
    const body = Buffer.from(JSON.stringify('x'.repeat(10_000)));
    for (let at = 0; at < 20; at++)
      await store.commit({ records: Array.from({ length: 1000 }, () => ({ topic: 'a', body })) });
    await store.close();
  });
  after(() => project.clean());

  it('takes .msgflo/log where no folder is named', async () => {
    const { code, stdout, stderr } = await project.run('msgflo-log', ['inspect', '--json']);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(JSON.parse(stdout).topics[0]).to.include({ topic: 'a', records: 20_000 });
  });

  it('stops quietly when its reader has seen enough', async () => {
    const line = '(msgflo-log dump --topic a; echo "code $?" >&2) | head -n 2 | cut -c 1-40';
    const { stdout, stderr } = await project.shell(line).ended;
    expect(linesOf(stdout)).to.have.length(2);
    expect(stderr).to.equal('code 0\n');
  });

  it('dumps 200 MB to a slow reader in little memory', async () => {
    const line = `(NODE_OPTIONS=--max-old-space-size=64 msgflo-log dump --topic a; echo "code $?" >&2) | (sleep 0.2; wc -l)`;
    const { stdout, stderr } = await project.shell(line).ended;
    expect(stdout.trim()).to.equal('20000');
    expect(stderr).to.equal('code 0\n');
  });

  it('exits with 1 when something is damaged', async () => {
    const [file = ''] = segmentFiles(join(project.dir, '.msgflo/log'));
    const line = `printf 'XYZ' | dd of='${file}' bs=1 seek=5000 conv=notrunc 2>/dev/null; msgflo-log verify`;
    const { code, stdout, stderr } = await project.shell(line).ended;
    expect(code).to.equal(1);
    expect(stderr).to.match(/^msgflo: msgflo-log compact --salvage .*\n$/);
    expect(linesOf(stdout)[0]).to.match(/^damaged: .*\/0{16}\.seg at byte 40 /);
  });
});
