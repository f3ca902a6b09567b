import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { type Library, loadLibrary, MAX_SOURCE_BYTES } from '../../src/library/index.js';
import { asRole } from '../../src/names.js';
import { failureOf, project, removeProjects } from './project.js';

const role = asRole('worker');

async function libraryOf(components: Readonly<Record<string, string>>, namespace = ''): Promise<Library> {
  return loadLibrary({ baseDir: await project({ 'package.json': { msgflo: { namespace, components } } }) });
}

describe('Library', () => {
  afterEach(removeProjects);

  it('finds a component with and without its namespace', async () => {
    const baseDir = await project({
      'package.json': { msgflo: { namespace: 'n', components: { Bare: 'b' } } },
      'participants/File.js': '',
    });
    const library = await loadLibrary({ baseDir });
    const found = ['File', 'n/File', 'Bare', 'n/Bare', 'other/File'].map((name) => library.find(name)?.name);
    expect(found).to.deep.equal(['n/File', 'n/File', 'Bare', 'Bare', undefined]);
  });

  it('names component and role, and what may have been meant, for an unknown component', async () => {
    const library = await libraryOf({ 'n/Repeat': 'a', 'n/Unrelated': 'b' });
    expect(() => library.commandFor('n/Repaet', { role }))
      .to.throw("unknown component 'n/Repaet' of role 'worker'; did you mean 'n/Repeat'?")
      .with.property('code', 'MSGFLO_UNKNOWN_COMPONENT');
  });

  describe('commandFor', () => {
    it('fills in role, file, component and IIPs, and says whether it took the IIPs', async () => {
      const baseDir = await project({
        'package.json': {
          msgflo: { namespace: 'n', handlers: { '.x': 'run #FILENAME #COMPONENT #COMPONENTNAME #IIPS' } },
        },
        'participants/A b.x': '',
        'participants/J.js': '',
      });
      const library = await loadLibrary({ baseDir });
      const { argv, takesIips } = library.commandFor('A b', { role, iips: { in: "it's; $(x)" } });
      expect(argv).to.deep.equal(['run', 'participants/A b.x', 'n/A b', 'A b', '{"in":"it\'s; $(x)"}']);
      expect(takesIips).to.equal(true);
      expect(library.commandFor('J', { role }).takesIips).to.equal(false);
    });

    it('starts executables of our own with this Node, without PATH', async () => {
      const baseDir = await project({ 'participants/J.js': '' });
      const library = await loadLibrary({ baseDir, ownExecutables: { 'msgflo-participant': '/p/bin/participant.js' } });
      const { argv } = library.commandFor('J', { role });
      expect(argv).to.deep.equal([
        process.execPath,
        '/p/bin/participant.js',
        '--name',
        'worker',
        join('participants', 'J.js'),
      ]);
    });

    it('splits as a shell would', async () => {
      const template = `run --iips '{"a":"b c"}' "x y" a\\ b --color #fff ''`;
      const { argv } = (await libraryOf({ A: template })).commandFor('A', { role });
      expect(argv).to.deep.equal(['run', '--iips', '{"a":"b c"}', 'x y', 'a b', '--color', '#fff', '']);
    });

    it('keeps any role one argument, whatever is in it', async () => {
      const library = await libraryOf({ A: 'run #ROLE --is=#ROLE:x \'#ROLE\' "#ROLE"' });
      fc.assert(
        fc.property(fc.string({ unit: fc.constantFrom(...`ab '"\\$(){};|&*?#ROLE\n\`!~`) }), (text) => {
          const { argv } = library.commandFor('A', { role: asRole(text) });
          expect(argv).to.deep.equal(['run', text, `--is=${text}:x`, text, text]);
        }),
      );
    });

    const mistakes: readonly [string, RegExp][] = [
      ['run a | b', /component 'A' uses \|, which needs a shell.*: run a \| b$/],
      ['run; rm x', /uses ;, /],
      ['run $HOME', /uses \$HOME, /],
      ['run "in $HOME"', /uses \$HOME, /],
      ['run *.js', /has the pattern \*\.js, /],
      ['run `id`', /has a backtick, /],
      ["run 'open", /has a quote that is not closed/],
      ['run #FILENAME', /asks for #FILENAME, which it does not have/],
      [' ', /is empty/],
    ];
    for (const [template, message] of mistakes) {
      it(`refuses the template ${template}`, async () => {
        const library = await libraryOf({ A: template });
        expect(() => library.commandFor('A', { role }))
          .to.throw(message)
          .with.property('code', 'MSGFLO_USAGE');
      });
    }
  });

  describe('shellCommandFor', () => {
    it('leaves the template to the shell and keeps any role one argument', async () => {
      const template = `printf '%s\\0' #ROLE "#ROLE" '#ROLE' "it's"#ROLE | cat`;
      const library = await libraryOf({ A: template });
      fc.assert(
        fc.property(fc.string({ unit: fc.constantFrom(...`ab '"\\$(){};|&*?#ROLE\n\`!~`) }), (text) => {
          const { text: command } = library.shellCommandFor('A', { role: asRole(text) });
          const printed = execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
          expect(printed.split('\0')).to.deep.equal([text, text, text, `it's${text}`, '']);
        }),
        { numRuns: 40 },
      );
    });

    it('refuses nested commands, in which a value could not be quoted with certainty', async () => {
      const library = await libraryOf({ A: `run "$(echo '#ROLE')"` });
      expect(() => library.shellCommandFor('A', { role })).to.throw(/cannot be filled in safely/);
    });

    it('starts executables of our own with this Node', async () => {
      const baseDir = await project({ 'participants/J.js': '' });
      const library = await loadLibrary({ baseDir, ownExecutables: { 'msgflo-participant': '/my bin/p.js' } });
      expect(library.shellCommandFor('J', { role }).text).to.equal(
        `${process.execPath} '/my bin/p.js' --name worker participants/J.js`,
      );
    });
  });

  describe('source', () => {
    it('gives the text of the file with its language', async () => {
      const baseDir = await project({
        'package.json': { msgflo: { namespace: 'n', handlers: { '.rs': 'cargo #FILENAME' } } },
        'participants/Fast.rs': 'fn main() {}',
      });
      const source = await (await loadLibrary({ baseDir })).source('n/Fast');
      expect(source).to.deep.equal({ name: 'Fast', language: 'rust', code: 'fn main() {}' });
    });

    it('has none for a component that is a command', async () => {
      const failure = await failureOf((await libraryOf({ A: 'run it' })).source('A'));
      expect(failure.code).to.equal('MSGFLO_NO_SOURCE');
    });

    const unreadable: readonly [string, string | Buffer, RegExp][] = [
      ['is binary', Buffer.from([1, 0, 2]), /contains a NUL/],
      ['is not UTF-8', Buffer.from([0xe9, 0x74, 0xe9]), /not UTF-8/],
      ['is too long for an editor', 'x'.repeat(MAX_SOURCE_BYTES + 1), /has 1048577 bytes/],
    ];
    for (const [what, content, message] of unreadable) {
      it(`has none where the file ${what}, and says so`, async () => {
        const baseDir = await project({ 'participants/A.js': '' });
        await writeFile(join(baseDir, 'participants/A.js'), content);
        const failure = await failureOf((await loadLibrary({ baseDir })).source('A'));
        expect(failure.code).to.equal('MSGFLO_NO_SOURCE');
        expect(failure.message).to.match(message);
      });
    }

    it('does not wait for a pipe', async () => {
      const baseDir = await project({ 'participants/A.js': '' });
      execFileSync('sh', ['-c', 'mkfifo "$0"', join(baseDir, 'participants/B.js')]);
      const failure = await failureOf((await loadLibrary({ baseDir })).source('B'));
      expect(failure.message).to.match(/no ordinary file/);
    });
  });
});
