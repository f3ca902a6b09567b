import { chmod, mkdir, readdir, readFile, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Library,
  loadLibrary,
  MAX_SOURCE_BYTES,
  type NewSource,
  SourceRefusedError,
  writeComponent,
} from '../../src/library/index.js';
import { failureOf, project, removeProjects } from './project.js';

const code = 'export const answer = 42;\n';

async function libraryOf(files: Readonly<Record<string, unknown>>): Promise<Library> {
  return loadLibrary({ baseDir: await project(files) });
}

const read = (library: Library, path: string): Promise<string> => readFile(join(library.baseDir, path), 'utf8');

/** Everything below the project, to see that nothing was written. */
async function everything(library: Library): Promise<readonly string[]> {
  const names = await readdir(library.baseDir, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return (await Promise.all(files.map(async (path) => `${path}: ${await readFile(path, 'utf8')}`))).sort();
}

async function refusalOf(library: Library, source: Partial<NewSource>): Promise<SourceRefusedError> {
  const before = await everything(library);
  const failure = await failureOf(writeComponent(library, { name: 'New', language: 'javascript', code, ...source }));
  if (!(failure instanceof SourceRefusedError)) throw failure;
  expect(failure.code).to.equal('MSGFLO_SOURCE_REFUSED');
  expect(await everything(library)).to.deep.equal(before);
  return failure;
}

describe('writeComponent', () => {
  afterEach(removeProjects);

  it('writes a new component where the library finds it when it is loaded again', async () => {
    const library = await libraryOf({ 'package.json': { msgflo: { namespace: 'n' } } });
    const written = await writeComponent(library, { name: 'New', library: 'n', language: 'javascript', code });
    expect(written).to.deep.equal({ name: 'n/New', path: join(library.baseDir, 'participants/New.js') });
    const again = await loadLibrary({ baseDir: library.baseDir });
    expect(await again.source('n/New')).to.deep.equal({ name: 'New', language: 'javascript', code });
    expect((await stat(written.path)).mode & 0o777).to.equal(0o644 & ~process.umask());
  });

  it('keeps the file of a known component, its mode, and leaves nothing beside it', async () => {
    const library = await libraryOf({ 'participants/Old.py': 'old' });
    const path = join(library.componentDir, 'Old.py');
    await chmod(path, 0o775);
    expect(await writeComponent(library, { name: 'Old', language: 'python', code })).to.deep.equal({
      name: 'Old',
      path,
    });
    expect(await readFile(path, 'utf8')).to.equal(code);
    expect((await stat(path)).mode & 0o777).to.equal(0o775);
    expect(await readdir(library.componentDir)).to.deep.equal(['Old.py']);
  });

  it('finds a known component with and without its namespace', async () => {
    const library = await libraryOf({
      'package.json': { msgflo: { namespace: 'n' } },
      'participants/A b.js': 'old',
    });
    await writeComponent(library, { name: 'n/A b', language: 'javascript', code: 'first' });
    expect(await read(library, 'participants/A b.js')).to.equal('first');
    await writeComponent(library, { name: 'A b', library: 'n', language: 'javascript', code: 'second' });
    expect(await read(library, 'participants/A b.js')).to.equal('second');
  });

  it('writes a known component again whose file was deleted', async () => {
    const library = await libraryOf({ 'participants/Old.js': 'old' });
    await unlink(join(library.componentDir, 'Old.js'));
    await writeComponent(library, { name: 'Old', language: 'js', code });
    expect(await read(library, 'participants/Old.js')).to.equal(code);
  });

  const spellings: readonly [string, string][] = [
    ['javascript', '.js'],
    ['js', '.js'],
    ['es6', '.js'],
    ['TypeScript', '.ts'],
    ['ts', '.ts'],
    ['coffeescript', '.coffee'],
    ['coffee', '.coffee'],
    ['python', '.py'],
    ['py', '.py'],
    ['yaml', '.yml'],
    ['yml', '.yml'],
    ['c++', '.cpp'],
    ['cpp', '.cpp'],
    ['rust', '.rs'],
    ['json', '.json'],
    ['lua', '.lua'],
  ];
  for (const [language, extension] of spellings) {
    it(`takes ${language} for ${extension}`, async () => {
      const handlers = { '.cpp': 'run #FILENAME', '.rs': 'run #FILENAME', '.lua': 'lua #FILENAME' };
      const library = await libraryOf({ 'package.json': { msgflo: { handlers } } });
      const { path } = await writeComponent(library, { name: 'New', language, code });
      expect(path).to.equal(join(library.componentDir, `New${extension}`));
      expect((await loadLibrary({ baseDir: library.baseDir })).find('New')?.path).to.equal(path);
    });
  }

  it('refuses a language without a handler, listing those that have one', async () => {
    const failure = await refusalOf(await libraryOf({}), { language: 'cobol' });
    expect(failure.reason).to.equal('language');
    expect(failure.message).to.match(/'cobol'; known: javascript, typescript, coffeescript, python, yaml, json, fbp$/);
  });

  it('refuses another language than the component has, naming both', async () => {
    const failure = await refusalOf(await libraryOf({ 'participants/Old.py': '' }), { name: 'Old' });
    expect(failure.reason).to.equal('language');
    expect(failure.message).to.equal("component 'Old' is written in python, not in 'javascript'");
  });

  const names = [
    '',
    '.',
    '..',
    '.hidden',
    '../New',
    '../../etc/passwd',
    'a/b',
    '/New',
    'a\\b',
    'a..b',
    'New\0',
    'New\n',
    'a b',
    '-rf',
    'é',
    'New.d',
    `N${'e'.repeat(100)}w`,
    'C:New',
    '%2e%2e%2fNew',
  ];
  for (const name of names) {
    it(`refuses the name ${JSON.stringify(name.slice(0, 20))}`, async () => {
      const library = await libraryOf({ 'participants/Old.ts': '' });
      expect((await refusalOf(library, { name, language: 'typescript' })).reason).to.equal('name');
    });
  }

  it('writes nowhere but into the component directory, whatever the name', async () => {
    const library = await libraryOf({ 'outside.js': 'old', 'participants/Old.js': 'old' });
    const part = fc.constantFrom('..', '.', '/', '\\', 'outside', 'Old', 'a', '\0', '-', '~');
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
        await writeComponent(library, { name: parts.join(''), language: 'js', code }).catch(() => undefined);
        expect((await readdir(library.baseDir)).sort()).to.deep.equal(['outside.js', 'participants']);
        expect(await read(library, 'outside.js')).to.equal('old');
      }),
      { numRuns: 200 },
    );
    const inside = await readdir(library.componentDir);
    expect(inside.filter((name) => !/^[A-Za-z][A-Za-z.-]*\.js$/.test(name))).to.deep.equal([]);
  });

  it('refuses the namespace of somebody else', async () => {
    const library = await libraryOf({ 'package.json': { msgflo: { namespace: 'n' } } });
    const failure = await refusalOf(library, { library: 'other' });
    expect(failure.reason).to.equal('library');
    expect(failure.message).to.match(/'other' .*'n'/);
    expect((await refusalOf(await libraryOf({}), { library: 'n' })).reason).to.equal('library');
  });

  it('takes as much as the limit and no more, counted in bytes', async () => {
    const library = await libraryOf({});
    const longest = 'é'.repeat(MAX_SOURCE_BYTES / 2);
    await writeComponent(library, { name: 'Long', language: 'js', code: longest });
    expect(await read(library, 'participants/Long.js')).to.equal(longest);
    expect((await refusalOf(library, { code: `${longest}.` })).reason).to.equal('size');
  });

  for (const [what, text] of [
    ['a NUL', 'a\0b'],
    ['half a character', 'a\ud800b'],
  ] as const) {
    it(`refuses ${what}`, async () => {
      expect((await refusalOf(await libraryOf({}), { code: text })).reason).to.equal('text');
    });
  }

  it('refuses a component that is only a command', async () => {
    const library = await libraryOf({ 'package.json': { msgflo: { components: { Sensor: 'read-sensor #ROLE' } } } });
    const failure = await refusalOf(library, { name: 'Sensor' });
    expect(failure.reason).to.equal('command');
    expect(failure.message).to.contain('read-sensor');
  });

  it('refuses a component that a path pattern found outside the component directory', async () => {
    const library = await libraryOf({
      'package.json': { msgflo: { handlers: { 'graphs/*.js': 'run #FILENAME' } } },
      'graphs/Outer.js': 'old',
    });
    expect((await refusalOf(library, { name: 'Outer' })).reason).to.equal('place');
  });

  it('refuses a link that leads out of the component directory', async () => {
    const baseDir = await project({ 'secret.js': 'old', 'participants/Old.js': '' });
    await symlink('../secret.js', join(baseDir, 'participants/Link.js'));
    const library = await loadLibrary({ baseDir });
    const failure = await refusalOf(library, { name: 'Link' });
    expect(failure.reason).to.equal('place');
    expect(failure.message).to.contain('secret.js');
  });

  it('refuses a new component in the place of a link, also of one that leads nowhere', async () => {
    const library = await libraryOf({ 'secret.js': 'old', 'participants/Old.js': '' });
    await symlink('../secret.js', join(library.componentDir, 'New.js'));
    expect((await refusalOf(library, {})).reason).to.equal('exists');
    await symlink('../nothing.js', join(library.componentDir, 'Other.js'));
    expect((await refusalOf(library, { name: 'Other' })).reason).to.equal('exists');
  });

  it('writes through a link that stays inside', async () => {
    const baseDir = await project({ 'participants/sub/Real.js': 'old' });
    await symlink('sub/Real.js', join(baseDir, 'participants/Link.js'));
    const library = await loadLibrary({ baseDir });
    await writeComponent(library, { name: 'Link', language: 'js', code });
    expect(await read(library, 'participants/sub/Real.js')).to.equal(code);
  });

  it('follows a component directory that is itself a link', async () => {
    const baseDir = await project({ 'elsewhere/Old.js': 'old' });
    await symlink('elsewhere', join(baseDir, 'participants'));
    const library = await loadLibrary({ baseDir });
    await writeComponent(library, { name: 'Old', language: 'js', code });
    await writeComponent(library, { name: 'New', language: 'js', code });
    expect((await readdir(join(baseDir, 'elsewhere'))).sort()).to.deep.equal(['New.js', 'Old.js']);
    expect(await read(library, 'elsewhere/Old.js')).to.equal(code);
  });

  it('leaves a file alone that came after the library was loaded', async () => {
    const library = await libraryOf({ 'participants/Old.js': '' });
    await writeFile(join(library.componentDir, 'New.js'), 'of somebody else');
    expect((await refusalOf(library, {})).reason).to.equal('exists');
  });

  it('says why when the disk does not take it, and that another try may do', async () => {
    const library = await libraryOf({ 'participants/Old.js': '' });
    const broken = await libraryOf({});
    await writeFile(broken.componentDir, 'a file where the folder should be');
    const failure = await refusalOf(broken, {});
    expect(failure).to.include({ reason: 'disk', retryable: true });
    expect((await refusalOf(library, { language: 'cobol' })).retryable).to.equal(false);
  });

  it('refuses what is no file', async () => {
    const library = await libraryOf({ 'participants/Old.js': '' });
    await unlink(join(library.componentDir, 'Old.js'));
    await mkdir(join(library.componentDir, 'Old.js'));
    expect((await refusalOf(library, { name: 'Old' })).reason).to.equal('place');
  });
});
