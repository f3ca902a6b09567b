import { expect } from 'chai';
import { loadLibrary } from '../../src/library/index.js';
import { asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { failureOf, project, removeProjects } from './project.js';

describe('loadLibrary', () => {
  afterEach(removeProjects);

  it('makes components of the files that a handler knows, in the namespace', async () => {
    const baseDir = await project({
      'package.json': { name: 'x', msgflo: { namespace: 'house' } },
      'participants/Repeat.js': '',
      'participants/lamp.yml': '',
      'participants/README.md': '',
      'participants/Repeat.d.ts': '',
    });
    const library = await loadLibrary({ baseDir });
    expect(library.components().map(({ name, language }) => [name, language])).to.have.deep.members([
      ['house/Repeat', 'javascript'],
      ['house/lamp', 'yaml'],
    ]);
    expect(library.namespace).to.equal('house');
  });

  it('needs neither package.json nor participants/', async () => {
    const library = await loadLibrary({ baseDir: await project({}) });
    expect(library.components()).to.deep.equal([]);
  });

  it('reads any JSON file, at its top level or under msgflo', async () => {
    const baseDir = await project({
      'flat.json': { components: { A: 'a' }, repository: 'https://example.org/r' },
      'nested.json': { msgflo: { components: { B: 'b' }, repository: { url: 'https://example.org/s' } } },
    });
    const flat = await loadLibrary({ baseDir, file: 'flat.json' });
    const nested = await loadLibrary({ baseDir, file: 'nested.json' });
    expect([flat.find('A')?.template, flat.repository]).to.deep.equal(['a', 'https://example.org/r']);
    expect([nested.find('B')?.template, nested.repository]).to.deep.equal(['b', 'https://example.org/s']);
  });

  it('does not take the top level of a package.json for configuration', async () => {
    const baseDir = await project({ 'package.json': { components: 3, repository: 7 } });
    expect((await loadLibrary({ baseDir })).components()).to.deep.equal([]);
  });

  it('knows handlers by path pattern, which go before those by extension', async () => {
    const baseDir = await project({
      'package.json': {
        msgflo: { handlers: { 'components/*.js': 'noflo #FILENAME', 'graphs/**/*.fbp': 'graph #COMPONENT' } },
      },
      'components/One.js': '',
      'components/deep/Two.js': '',
      'graphs/main.fbp': '',
      'graphs/a/b/inner.fbp': '',
      'graphs/node_modules/no.fbp': '',
      'graphs/.hidden/no.fbp': '',
    });
    const library = await loadLibrary({ baseDir, componentDir: 'components' });
    const templates = library.components().map(({ name, template }) => [name, template]);
    expect(templates).to.have.deep.members([
      ['One', 'noflo #FILENAME'],
      ['main', 'graph #COMPONENT'],
      ['inner', 'graph #COMPONENT'],
    ]);
  });

  it('lets a project replace a default handler, and a command by name replace a file', async () => {
    const baseDir = await project({
      'package.json': {
        msgflo: { namespace: 'n', handlers: { '.py': 'python3 #FILENAME' }, components: { Own: 'own #ROLE' } },
      },
      'participants/Sensor.py': '',
      'participants/Own.py': 'print()',
    });
    const library = await loadLibrary({ baseDir });
    expect(library.find('Sensor')?.template).to.equal('python3 #FILENAME');
    expect(library.find('n/Own')?.template).to.equal('own #ROLE');
    expect((await library.source('Own')).code).to.equal('print()');
  });

  it('writes variables into templates, also those that refer to one another', async () => {
    const baseDir = await project({
      'package.json': {
        msgflo: {
          variables: { VENV: '/opt/venv', PY: '#VENV/bin/python -u', python: '#PY -X dev' },
          components: { A: '#PYTHON #ROLE.py' },
        },
      },
    });
    const { argv } = (await loadLibrary({ baseDir })).commandFor('A', { role: asRole('r') });
    expect(argv).to.deep.equal(['/opt/venv/bin/python', '-u', '-X', 'dev', 'r.py']);
  });

  it('warns of a second file of the same name and keeps the first', async () => {
    const warnings: string[] = [];
    const baseDir = await project({ 'participants/A.js': '', 'participants/A.py': '' });
    const log = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    const library = await loadLibrary({ baseDir, log });
    expect(library.components().map(({ language }) => language)).to.deep.equal(['javascript']);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.match(/'A' is .*A\.js; .*A\.py/);
  });

  const mistakes: readonly [string, Readonly<Record<string, unknown>>, object, RegExp][] = [
    ['a named file that is missing', {}, { file: 'lib.json' }, /lib\.json does not exist$/],
    ['a file that is not JSON', { 'package.json': '{"msgflo": ' }, {}, /package\.json: not JSON: /],
    ['a file that is no object', { 'lib.json': [] }, { file: 'lib.json' }, /lib\.json: must be an object$/],
    [
      'a field of the wrong type',
      { 'package.json': { msgflo: { handlers: { '.js': 3 } } } },
      {},
      /package\.json: msgflo\.handlers\['\.js'\] must be string$/,
    ],
    [
      'a key msgflo that is no object',
      { 'package.json': { msgflo: 'x' } },
      {},
      /package\.json: msgflo must be object$/,
    ],
    [
      'variables in a circle',
      { 'package.json': { msgflo: { variables: { A: '#B', B: 'x #A' }, components: { C: '#A' } } } },
      {},
      /package\.json: variables refer to each other in a circle: A -> B -> A$/,
    ],
    [
      'a component directory that is missing',
      {},
      { componentDir: 'parts' },
      /component directory .*parts does not exist$/,
    ],
    ['a component directory that is a file', { parts: '' }, { componentDir: 'parts' }, /parts is not a directory$/],
  ];
  for (const [what, files, options, message] of mistakes) {
    it(`refuses ${what}, naming it`, async () => {
      const failure = await failureOf(loadLibrary({ baseDir: await project(files), ...options }));
      expect(failure.code).to.equal('MSGFLO_USAGE');
      expect(failure.message).to.match(message);
    });
  }
});
