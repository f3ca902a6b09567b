import { existsSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DiskFile } from '../../src/graph-file/disk-file.js';
import { failureOf } from '../library/project.js';

describe('DiskFile', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-disk-'));
    path = join(folder, 'net.fbp');
    await writeFile(path, 'known');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives the content that it wrote, which is the one that is read', async () => {
    const file = new DiskFile(path);
    const written = await file.write('mine', await file.read());
    expect((await file.read()).key).to.equal(written?.key);
    expect(await readFile(path, 'utf8')).to.equal('mine');
  });

  // What somebody else does while ours is being written beside; `write` gets to the disk only in a later turn.
  const others: readonly [string, () => void, string | undefined][] = [
    ['writes into the file', () => writeFileSync(path, 'THEIR'), 'THEIR'],
    ['adds to the file', () => writeFileSync(path, '+', { flag: 'a' }), 'known+'],
    [
      'replaces the file',
      () => {
        writeFileSync(`${path}~`, 'theirs');
        renameSync(`${path}~`, path);
      },
      'theirs',
    ],
    ['deletes the file', () => unlinkSync(path), undefined],
    [
      'puts a link in its place',
      () => {
        renameSync(path, join(folder, 'else.fbp'));
        symlinkSync('else.fbp', path);
      },
      'known',
    ],
  ];
  for (const [what, act, left] of others) {
    it(`leaves what is there when somebody ${what} at the same time`, async () => {
      const file = new DiskFile(path);
      const known = await file.read();
      const writing = file.write('mine', known);
      act();
      expect(await writing).to.equal(undefined);
      expect(existsSync(path) ? await readFile(path, 'utf8') : undefined).to.equal(left);
      expect((await readdir(folder)).filter((name) => name.startsWith('.'))).to.deep.equal([]);
    });
  }

  it('leaves a file that comes while a missing one is being written', async () => {
    await rm(path);
    const file = new DiskFile(path);
    const writing = file.write('mine', await file.read());
    writeFileSync(path, 'theirs');
    expect(await writing).to.equal(undefined);
    expect(await readFile(path, 'utf8')).to.equal('theirs');
  });

  it('writes what a link leads to also where that is missing', async () => {
    await rm(path);
    await mkdir(join(folder, 'links'));
    const link = join(folder, 'links/net.fbp');
    symlinkSync('../net.fbp', link);
    const file = new DiskFile(link);
    await file.write('mine', await file.read());
    expect(await readFile(path, 'utf8')).to.equal('mine');
    expect(await readdir(join(folder, 'links'))).to.deep.equal(['net.fbp']);
  });

  it('leaves nothing beside a file that cannot be written', async () => {
    const file = new DiskFile(path);
    const known = await file.read();
    await rm(path);
    await mkdir(path);
    expect(await file.write('mine', known)).to.equal(undefined);
    expect((await stat(path)).isDirectory()).to.equal(true);
    expect(await readdir(folder)).to.deep.equal(['net.fbp']);
    const inFile = new DiskFile(join(folder, 'net.fbp/none/net.fbp'));
    const missing = await inFile.read();
    await rm(path, { recursive: true });
    await writeFile(path, 'a file where a folder should be');
    expect((await failureOf(inFile.write('mine', missing))).message).to.match(/it cannot be written: /);
  });

  it('has a signature that changes with the file, and none while that is fresh', async () => {
    const file = new DiskFile(path);
    expect(await file.signature()).to.equal(undefined);
    let before: string | undefined;
    while (before === undefined) before = await file.signature();
    expect(await file.signature()).to.equal(before);
    await writeFile(path, 'KNOWN');
    expect(await file.signature()).not.to.equal(before);
  });
});
