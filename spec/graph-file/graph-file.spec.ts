import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readGraph, sameGraph, writeFbp, writeJson } from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';
import { failureOf } from '../library/project.js';
import { addNode, edit, edited, keyOf, node, removeNode, rolesOf, Scene, setKey } from './scene.js';

const FBP = `# The net of the greenhouse.
# @name greenhouse

sensor(Read) OUT -> IN fan(Switch)   # on when hot

'20' -> LIMIT sensor
`;
const base = readGraph(FBP, { path: 'net.fbp' }).graph;
const texts: Readonly<Record<string, string>> = { 'net.fbp': FBP, 'net.json': writeJson(base) };

describe('GraphFile', () => {
  const scenes: Scene[] = [];
  const scene = async (name: string, text = texts[name]): Promise<Scene> => {
    const made = await Scene.make(name, text);
    scenes.push(made);
    return made;
  };
  afterEach(async () => {
    for (const made of scenes.splice(0)) await made.end();
  });

  describe('opening', () => {
    for (const [name, text] of Object.entries(texts)) {
      it(`reads ${name}, started, and tells where things stand`, async () => {
        const file = await (await scene(name)).open();
        expect(sameGraph(file.live.graph, base)).to.equal(true);
        expect(file).to.include({ isRestored: false });
        expect(file.live.isStarted).to.equal(true);
        const line = text.split('\n').findIndex((one) => one.includes('fan')) + 1;
        const fan = file.live.graph.nodes.find(({ role }) => role === 'fan');
        expect(fan && file.positions.at(fan)?.line).to.be.at.least(line);
      });
    }

    it('begins with an empty graph where there is no file', async () => {
      const made = await scene('none.fbp');
      const file = await made.open({ path: undefined });
      expect(file.live.graph).to.deep.include({ name: 'main', nodes: [] });
      edit(file, addNode('a'));
      await file.settled();
      expect(await readdir(made.folder)).to.deep.equal(['.msgflo']);
      expect((await failureOf(file.persist())).code).to.equal('MSGFLO_NO_GRAPH_FILE');
    });

    const refusals: readonly [string, string, string | Buffer | undefined, string, RegExp][] = [
      ['a file that is missing', 'net.fbp', undefined, 'MSGFLO_USAGE', /net\.fbp: there is no such file/],
      ['text that is no graph', 'net.fbp', 'a(B) ->', 'MSGFLO_GRAPH_SYNTAX', /net\.fbp:1:/],
      ['a graph that cannot run', 'net.fbp', '\na(B) OUT -> IN b\n', 'MSGFLO_GRAPH_INVALID', /net\.fbp:2:/],
      ['binary content', 'net.json', Buffer.from([123, 0, 125]), 'MSGFLO_USAGE', /binary/],
      ['what is not UTF-8', 'net.json', Buffer.from([123, 0xff, 125]), 'MSGFLO_USAGE', /not UTF-8/],
      ['another extension', 'net.txt', '{}', 'MSGFLO_USAGE', /\.fbp or a \.json/],
    ];
    for (const [what, name, content, code, message] of refusals) {
      it(`refuses ${what}`, async () => {
        const made = await scene(name, '');
        if (content === undefined) await unlink(made.path);
        else await writeFile(made.path, content);
        const failure = await failureOf(made.open());
        expect(failure.code).to.equal(code);
        expect(failure.message).to.match(message);
      });
    }

    it('refuses a file above 64 MiB without reading it', async () => {
      const made = await scene('net.json');

      await truncate(made.path, 64 * 1024 * 1024 + 1);
      expect((await failureOf(made.open())).message).to.match(/67108865 bytes; at most 67108864/);
    });

    it('removes what an earlier run left half written, and only that', async () => {
      const made = await scene('net.fbp');
      const old = '.net.fbp.7b0e5a36-65c8-4c14-8f5c-0d1bd8a5ee67';
      const fresh = '.net.fbp.7b0e5a36-65c8-4c14-8f5c-0d1bd8a5ee68';
      for (const name of [old, fresh, '.net.fbp.swp']) await writeFile(join(made.folder, name), 'half');
      for (const name of [old, '.net.fbp.swp']) await utimes(join(made.folder, name), 1, 1);
      await made.open();
      expect(await readdir(made.folder))
        .to.include.members([fresh, '.net.fbp.swp'])
        .and.not.include(old);
    });
  });

  describe('with auto-save', () => {
    it('patches .fbp: comments, order and blank lines stay', async () => {
      const made = await scene('net.fbp');
      const file = await made.open();
      edit(file, setKey('fan', 'pin', '4'), addNode('log', 'Print'));
      await file.settled();
      expect(await made.text()).to.equal(`${FBP.replace('fan(Switch)', 'fan(Switch:pin=4)')}log(Print)\n`);
    });

    const indents: readonly [string, string | number, string][] = [
      ['two blanks', 2, '\n'],
      ['four blanks', 4, '\n'],
      ['tabs and CR LF', '\t', '\r\n'],
    ];
    for (const [what, indent, newline] of indents) {
      it(`writes .json with ${what}, as it was, and keeps what it does not know`, async () => {
        const json = { ...JSON.parse(writeJson(base)), mine: { keep: [1] } };
        const textOf = (value: unknown): string => `${JSON.stringify(value, null, indent)}\n`.replaceAll('\n', newline);
        const made = await scene('net.json', textOf(json));
        const file = await made.open();
        edit(file, addNode('log', 'Print'));
        await file.settled();
        json.processes.log = { component: 'Print' };
        expect(await made.text()).to.equal(textOf(json));
      });
    }

    it('writes what is put together as one, the last of it', async () => {
      const made = await scene('net.json');
      const file = await made.open();
      for (let nth = 0; nth < 100; nth += 1) edit(file, addNode(`n${nth}`));
      edit(file, removeNode('n0'));
      await file.settled();
      expect((await made.graph()).nodes).to.have.length(101);
      expect((await readdir(made.folder)).sort()).to.deep.equal(['.msgflo', 'net.json']);
    });

    it('keeps the mode of the file and writes through links', async () => {
      const made = await scene('real.fbp', FBP);
      await chmod(made.path, 0o660);
      await mkdir(join(made.folder, 'links'));
      const link = join(made.folder, 'links/net.fbp');
      await symlink('../real.fbp', link);
      const file = await made.open({ path: link });
      edit(file, addNode('log'));
      await file.settled();
      expect((await lstat(link)).isSymbolicLink()).to.equal(true);
      expect((await stat(made.path)).mode & 0o777).to.equal(0o660);
      expect(await made.text()).to.contain('log(Comp)');
      expect(await readdir(join(made.folder, 'links'))).to.deep.equal(['net.fbp']);
    });

    it('says once that a file is read-only, tries again at the next edit, and says when it is over', async () => {
      const made = await scene('net.fbp');
      const file = await made.open();
      await file.settled();
      await chmod(made.path, 0o444);
      edit(file, addNode('one'));
      await file.settled();
      edit(file, addNode('two'));
      await file.settled();
      expect(made.problems).to.deep.equal([`${made.path}: it cannot be written: it is read-only`]);
      expect(await made.text()).to.equal(FBP);
      await chmod(made.path, 0o644);
      edit(file, addNode('three'));
      await file.settled();
      expect(made.problems.slice(1)).to.deep.equal([`${made.path}: it can be saved again`]);
      expect(rolesOf(await made.graph())).to.include.members(['one', 'two', 'three']);
      expect(made.logged).to.deep.equal(made.problems);
    });

    it('says what .fbp has no words for, keeps the file, and goes on when it is gone', async () => {
      const made = await scene('net.fbp');
      const file = await made.open();
      const to = { role: asRole('fan'), port: asPortName('SPEED') }; // in lower case, unless the graph is case-sensitive
      file.put({ ...file.live, graph: { ...base, iips: [{ data: 1, to }] } });
      await file.settled();
      expect(made.problems).to.have.length(1);
      expect(made.problems[0]).to.match(/net\.fbp: .*cannot be written as \.fbp/);
      expect(await made.text()).to.equal(FBP);
      const failure = await failureOf(file.persist());
      expect(failure.code).to.equal('MSGFLO_GRAPH_NOT_WRITABLE');
      file.put({ ...file.live, graph: edited(base, addNode('words')) });
      await file.settled();
      expect(made.problems).to.have.length(2);
      expect(rolesOf(await made.graph())).to.include('words');
    });

    it('writes what was put last before it closes, and nothing afterwards', async () => {
      const made = await scene('net.fbp');
      const file = await made.open();
      edit(file, addNode('last'));
      await Promise.all([file.close(), file.close()]);
      expect(await made.text()).to.contain('last(Comp)');
      edit(file, addNode('late'));
      await file.settled();
      expect(await made.text()).not.to.contain('late');
      expect((await failureOf(file.persist())).code).to.equal('MSGFLO_GRAPH_FILE');
    });
  });

  describe('without auto-save', () => {
    it('writes the graph file when asked, not before', async () => {
      const made = await scene('net.fbp');
      const file = await made.open({ autoSave: false });
      edit(file, addNode('log'));
      await file.settled();
      expect(await made.text()).to.equal(FBP);
      await file.persist();
      expect(await made.text()).to.equal(`${FBP}log(Comp)\n`);
    });

    it('tells who asks why it cannot be written, and not everybody', async () => {
      const made = await scene('net.fbp');
      const file = await made.open({ autoSave: false });
      await chmod(made.path, 0o444);
      edit(file, addNode('log'));
      const failure = await failureOf(file.persist());
      expect(failure.code).to.equal('MSGFLO_GRAPH_FILE');
      expect(failure.message).to.equal(`${made.path}: it cannot be written: it is read-only`);
      expect(made.problems).to.deep.equal([]);
    });
  });

  describe('the state', () => {
    it('is taken over by the next coordinator of the same run, not of another', async () => {
      const made = await scene('net.fbp');
      const first = await made.open({ autoSave: false, run: 'r1' });
      const others = [asRole('sensor')];
      first.put({ graph: edited(base, addNode('log')), graphId: 'my/graph', isStarted: false, others });
      await first.close();
      const second = await made.open({ autoSave: false, run: 'r1' });
      expect(second.isRestored).to.equal(true);
      expect(second.live).to.deep.include({ graphId: 'my/graph', isStarted: false, others });
      expect(sameGraph(second.live.graph, edited(base, addNode('log')))).to.equal(true);
      await second.close();
      const third = await made.open({ autoSave: false, run: 'r2' });
      expect(third.isRestored).to.equal(false);
      expect(sameGraph(third.live.graph, base)).to.equal(true);
    });

    it('is merged with what changed in the file meanwhile, and saved where that is wanted', async () => {
      const made = await scene('net.fbp');
      const first = await made.open({ autoSave: false, run: 'r' });
      edit(first, addNode('ours'), setKey('fan', 'pin', '4'));
      await first.close();
      await made.write(`${FBP}theirs(Comp)\n`);
      const second = await made.open({ autoSave: true, run: 'r' });
      expect(rolesOf(second.live.graph)).to.deep.equal(['fan', 'ours', 'sensor', 'theirs']);
      expect(second.positions.at(node('theirs'))?.line).to.equal(7);
      await second.settled();
      expect(await made.text()).to.equal(`${FBP.replace('(Switch)', '(Switch:pin=4)')}theirs(Comp)\nours(Comp)\n`);
    });

    it('goes on with what it has when the file cannot be read after the crash', async () => {
      const made = await scene('net.fbp');
      const first = await made.open({ run: 'r' });
      edit(first, addNode('ours'));
      await first.close();
      await made.write('half a l');
      const second = await made.open({ run: 'r' });
      expect(rolesOf(second.live.graph)).to.include('ours');
      expect(made.problems[0]).to.match(/net\.fbp:1:/);
      await second.settled();
      expect(await made.text()).to.equal('half a l');
    });

    it('keeps a conflict over a crash', async () => {
      const made = await scene('net.fbp');
      const first = await made.open({ autoSave: false, run: 'r' });
      edit(first, setKey('fan', 'pin', '4'));
      await first.close();
      await made.write(FBP.replace('fan(Switch)', 'fan(Switch:pin=5)'));
      for (const nth of [1, 2]) {
        const again = await made.open({ run: 'r' });
        await again.settled();
        expect(made.problems, `restart ${nth}`).to.have.length(nth);
        expect(keyOf(again.live.graph, 'fan', 'pin')).to.equal('4');
        expect(await made.text()).to.contain('pin=5');
        await again.close();
      }
    });

    it('that makes no sense is put aside, and said', async () => {
      const made = await scene('net.fbp');
      await mkdir(join(made.folder, '.msgflo'));
      await writeFile(made.statePath, '{"version":1,"run":"r"}');
      const file = await made.open({ run: 'r' });
      expect(file.isRestored).to.equal(false);
      expect(made.logged[0]).to.contain(`${made.statePath}.bad`);
      expect(await readFile(`${made.statePath}.bad`, 'utf8')).to.contain('"r"');
    });

    it('that cannot be written is said once; the graph file is written all the same', async () => {
      const made = await scene('net.fbp');
      await writeFile(join(made.folder, '.msgflo'), 'a file where the folder should be');
      const file = await made.open();
      for (const role of ['one', 'two']) {
        edit(file, addNode(role));
        await file.settled();
      }
      expect(made.problems).to.have.length(1);
      expect(made.problems[0]).to.match(/graph-main\.json: it cannot be written/);
      expect(rolesOf(await made.graph())).to.include.members(['one', 'two']);
      await rm(join(made.folder, '.msgflo'));
      edit(file, addNode('three'));
      await file.settled();
      expect(made.problems.slice(1)).to.deep.equal([`${made.statePath}: it is written again`]);
    });

    it('holds names of any letters', async () => {
      const made = await scene('net.fbp');
      const first = await made.open({ run: 'r', autoSave: false });
      edit(first, addNode('two words'), addNode('__proto__'), addNode('\u2028'));
      await first.close();
      const again = await made.open({ run: 'r', autoSave: false });
      expect(rolesOf(again.live.graph)).to.include.members(['two words', '__proto__', '\u2028']);
    });
  });

  it('writes .fbp from scratch that reads as the same graph', async () => {
    const made = await scene('net.fbp', writeFbp(base));
    const file = await made.open();
    edit(file, removeNode('fan'), removeNode('sensor'), addNode('only'));
    await file.settled();
    expect(rolesOf(await made.graph())).to.deep.equal(['only']);
  });
});
