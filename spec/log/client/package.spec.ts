import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { ROOT } from '../../network/running.js';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, 'fixtures/package-program.cjs');

/** What is meant to differ, as docs/pipeproc.md tells: [the package, here]. */
const DIFFERENCES: Readonly<Record<string, readonly [theirs: unknown, ours: unknown]>> = {
  'commit of one in a list': [false, true],
  'proc from a sequence': [{ data: 'a' }, { data: 'b' }],
};

describe('a program written for the package pipeproc', () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'msgflo-program-'));
    const modules = join(folder, 'node_modules');
    await mkdir(join(modules, 'msgflo'), { recursive: true });
    for (const part of ['package.json', 'dist']) await symlink(join(ROOT, part), join(modules, 'msgflo', part));
    await symlink(join(ROOT, 'node_modules/pipeproc'), join(modules, 'pipeproc'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function said(name: string): Promise<readonly (readonly [what: string, value: unknown])[]> {
    const own = join(folder, name.replace('/', '-'));
    await mkdir(own);
    const { stdout, stderr } = await run(process.execPath, [PROGRAM, name, own]);
    expect(stderr).to.equal('');
    return JSON.parse(stdout);
  }

  it('runs by changing the import, and is given the same', async () => {
    const [theirs, ours] = [await said('pipeproc'), await said('msgflo/log')];
    const expected = theirs.map(([what, value]) => [what, DIFFERENCES[what] ? DIFFERENCES[what][1] : value]);
    expect(ours).to.deep.equal(expected);
    const differing = theirs.filter(([what]) => DIFFERENCES[what]);
    expect(differing).to.deep.equal(Object.entries(DIFFERENCES).map(([what, [value]]) => [what, value]));
  }).timeout(30_000);
});
