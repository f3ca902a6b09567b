import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, open, rename, rm, stat, symlink, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type Graph, readGraph, sameGraph, writeFbp, writeJson } from '../../src/graph/index.js';
import { GraphFile, type OutsideChange } from '../../src/graph-file/index.js';
import { silentLogger } from '../../src/support/index.js';
import { failureOf } from '../library/project.js';
import { addNode, edit, edited, keyOf, removeNode, rolesOf, Scene, setKey, until } from './scene.js';

const FBP = '# Kept.\n# @name net\na(Comp) OUT -> IN b(Comp)\n';
const base = readGraph(FBP, { path: 'net.fbp' }).graph;

describe('GraphFile and others who write the file', () => {
  const scenes: Scene[] = [];
  const scene = async (name = 'net.fbp', text = FBP): Promise<Scene> => {
    const made = await Scene.make(name, text);
    scenes.push(made);
    return made;
  };
  afterEach(async () => {
    for (const made of scenes.splice(0)) await made.end();
  });

  /** Waits until the file was looked at after what happened so far. */
  const looked = async (made: Scene, file: GraphFile): Promise<void> => {
    const marker = `marker${made.changes.length}`;
    const text = await made.text();
    await made.write(/json$/.test(made.path) ? text : `${text}${marker}(Marker)\n`);
    await until(() => rolesOf(file.live.graph).includes(marker));
  };

  for (const autoSave of [true, false]) {
    describe(autoSave ? 'with auto-save' : 'without auto-save', () => {
      for (const how of ['write', 'replace'] as const) {
        it(`tells what somebody changed who saves by ${how}, as edits and merged`, async () => {
          const made = await scene();
          const file = await made.open({ autoSave });
          edit(file, addNode('ours'));
          await file.settled();
          const before = file.live;
          await made[how](`${await made.text()}theirs(Comp)\n`);
          await until(() => made.changes.length > 0);
          expect(made.changes[0]?.edits).to.deep.equal([addNode('theirs')]);
          expect(sameGraph(made.changes[0]?.graph ?? base, edited(before.graph, addNode('theirs')))).to.equal(true);
          expect(file.live).to.deep.equal({ ...before, graph: made.changes[0]?.graph });
          await file.settled();
          expect(rolesOf(await made.graph())).to.deep.equal(['a', 'b', ...(autoSave ? ['ours'] : []), 'theirs']);
          expect(made.problems).to.deep.equal([]);
        });
      }
    });
  }

  it('tells who begins to listen only later what changed in between, as one', async () => {
    const made = await scene();
    const file = await GraphFile.open({ ...made, autoSave: true, log: silentLogger });
    for (const role of ['one', 'two']) {
      await made.write(`${await made.text()}${role}(Comp)\n`);
      await until(() => rolesOf(file.live.graph).includes(role));
    }
    const told: OutsideChange[] = [];
    file.onOutside((change) => told.push(change));
    expect(told).to.have.length(0);
    await file.settled();
    expect(told).to.deep.equal([{ graph: file.live.graph, edits: [addNode('one'), addNode('two')] }]);
    await file.close();
  });

  it('does not take what it wrote itself for a change', async () => {
    const made = await scene();
    const file = await made.open();
    for (let nth = 0; nth < 5; nth += 1) {
      edit(file, addNode(`n${nth}`));
      await file.settled();
    }
    await looked(made, file);
    expect(made.changes.map(({ edits }) => edits)).to.deep.equal([[addNode('marker0', 'Marker')]]);
  });

  it('leaves a file alone that was only touched, or only laid out otherwise', async () => {
    const made = await scene();
    const file = await made.open();
    await utimes(made.path, 1, 1);
    await made.write('# Other words.\n# @name net\nb(Comp)\na(Comp)\na OUT -> IN b\n');
    await delay(300);
    edit(file, addNode('ours'));
    await file.settled();
    expect(made.changes).to.deep.equal([]);
    expect(await made.text()).to.equal('# Other words.\n# @name net\nb(Comp)\na(Comp)\na OUT -> IN b\nours(Comp)\n');
  });

  it('merges before it writes, so that an edit a moment before is not lost', async () => {
    const made = await scene();
    const file = await made.open();
    await file.settled();
    for (let nth = 0; nth < 5; nth += 1) {
      await made.write(`${await made.text()}theirs${nth}(Comp)\n`);
      edit(file, addNode(`ours${nth}`));
      await file.settled();
    }
    const roles = [0, 1, 2, 3, 4].flatMap((nth) => [`ours${nth}`, `theirs${nth}`]);
    expect(rolesOf(await made.graph())).to.include.members(roles);
    expect(rolesOf(file.live.graph)).to.include.members(roles);
  });

  it('does not take a file for empty that is being written', async () => {
    const made = await scene();
    const file = await made.open();
    const text = `${FBP}theirs(Comp)\n`;
    const handle = await open(made.path, 'w'); // empty from here on, as some editors do it
    edit(file, addNode('ours'));
    for (const part of [text.slice(0, 30), text.slice(30)]) {
      await delay(120);
      await handle.write(part);
    }
    await handle.close();
    await until(() => rolesOf(file.live.graph).includes('theirs'));
    await file.settled();
    expect(rolesOf(file.live.graph)).to.deep.equal(['a', 'b', 'ours', 'theirs']);
    expect(await made.text()).to.equal(`${text}ours(Comp)\n`);
    expect(made.problems).to.deep.equal([]);
  });

  it('sees through links: what they lead to, and that they lead elsewhere', async () => {
    const made = await scene('real.fbp');
    await mkdir(join(made.folder, 'links'));
    const link = join(made.folder, 'links/net.fbp');
    await symlink('../real.fbp', link);
    const file = await made.open({ path: link });
    await made.write(`${FBP}one(Comp)\n`);
    await until(() => rolesOf(file.live.graph).includes('one'));
    await file.settled();
    const other = await scene('other.fbp', `${FBP}two(Comp)\n`);
    await symlink(other.path, `${link}~`);
    await rename(`${link}~`, link);
    await until(() => rolesOf(file.live.graph).includes('two'));
    edit(file, addNode('ours'));
    await file.settled();
    expect(await other.text()).to.contain('ours(Comp)');
    expect(await made.text()).not.to.contain('ours');
  });

  describe('a text that is no graph', () => {
    const bad: readonly [string, string, RegExp][] = [
      ['does not parse', 'a(Comp) ->\n', /net\.fbp:1:\d+: /],
      ['could not run', `${FBP}\na OUT -> IN nobody\n`, /net\.fbp:5:\d+: .*'nobody'/],
      ['is binary', 'a\0b', /net\.fbp: it is binary/],
    ];
    for (const [what, text, message] of bad) {
      it(`that ${what} is told, not acted on, not written over, and over when it is a graph again`, async () => {
        const made = await scene();
        const file = await made.open();
        await made.replace(text);
        await until(() => made.problems.length > 0);
        expect(made.problems[0]).to.match(message);
        edit(file, addNode('ours'));
        await file.settled();
        expect((await failureOf(file.persist())).message).to.match(/not saved over what somebody else wrote/);
        expect(await made.text()).to.equal(text);
        expect(made.problems).to.have.length(1);
        await made.replace(`${FBP}theirs(Comp)\n`);
        await until(async () => rolesOf(await made.graph()).includes('ours'));
        await file.settled();
        expect(made.problems.slice(1)).to.deep.equal([`${made.path}: it can be read again`]);
        expect(rolesOf(file.live.graph)).to.deep.equal(['a', 'b', 'ours', 'theirs']);
      });
    }

    it('is not waited for where it is a pipe', async () => {
      const made = await scene();
      const file = await made.open();
      await unlink(made.path);
      execFileSync('sh', ['-c', 'mkfifo "$0"', made.path]);
      await until(() => made.problems.length > 0);
      expect(made.problems).to.deep.equal([`${made.path}: it is no ordinary file`]);
      edit(file, addNode('ours'));
      await file.settled();
      expect((await stat(made.path)).isFIFO()).to.equal(true);
    });
  });

  describe('a conflict', () => {
    for (const name of ['net.fbp', 'net.json']) {
      const textOf = (graph: Graph): string => (name === 'net.fbp' ? writeFbp(graph) : writeJson(graph));
      const begun = async (): Promise<{ made: Scene; file: GraphFile; theirs: Graph }> => {
        const made = await scene(name, textOf(base));
        const file = await made.open();
        await file.settled();
        const theirs = edited(base, setKey('a', 'label', 'theirs'), setKey('b', 'label', 'theirs'), addNode('theirs'));
        edit(file, setKey('a', 'label', 'ours'), setKey('b', 'label', 'ours'));
        writeFileSync(made.path, textOf(theirs)); // in the same turn, so before ours can be written
        await until(() => made.problems.length > 1);
        return { made, file, theirs };
      };

      it(`in ${name} is told in full; the rest is taken over, and nothing is written`, async () => {
        const { made, file, theirs } = await begun();
        expect(made.problems).to.have.length(2);
        for (const [nth, role] of ['a', 'b'].entries())
          expect(made.problems[nth]).to.match(
            new RegExp(`conflict, .*'label' of node '${role}': "ours" here, "theirs" there`),
          );
        expect(rolesOf(file.live.graph)).to.deep.equal(['a', 'b', 'theirs']);
        expect(keyOf(file.live.graph, 'a', 'label')).to.equal('ours');
        edit(file, addNode('ours'));
        await file.settled();
        expect(await made.text()).to.equal(textOf(theirs));
        const failure = await failureOf(file.persist());
        expect(failure.code).to.equal('MSGFLO_GRAPH_CONFLICT');
        expect(failure.message).to.contain(`'label' of node 'a'`);
        expect(made.problems).to.have.length(2);
      });

      it(`in ${name} is over when both sides want the same, and is then saved with all the rest`, async () => {
        const { made, file, theirs } = await begun();
        edit(file, addNode('ours'), setKey('a', 'label', 'theirs'));
        await file.settled();
        expect(await made.text()).to.equal(textOf(theirs));
        await made.write(textOf(edited(theirs, setKey('b', 'label', 'ours'), addNode('more'))));
        await until(() => made.problems.length > 2);
        await file.settled();
        expect(made.problems.slice(2)).to.deep.equal([`${made.path}: the conflict is over, and it can be saved`]);
        const saved = await made.graph();
        expect(rolesOf(saved)).to.deep.equal(['a', 'b', 'more', 'ours', 'theirs']);
        expect(sameGraph(saved, file.live.graph)).to.equal(true);
        expect([keyOf(saved, 'a', 'label'), keyOf(saved, 'b', 'label')]).to.deep.equal(['theirs', 'ours']);
      });

      it(`in ${name} does not bring back what was taken over and then removed here`, async () => {
        const { made, file, theirs } = await begun();
        edit(file, removeNode('theirs'));
        await file.settled();
        expect(rolesOf(file.live.graph)).to.deep.equal(['a', 'b']);
        await made.write(textOf(edited(theirs, addNode('more'))));
        await until(() => rolesOf(file.live.graph).includes('more'));
        expect(rolesOf(file.live.graph)).to.deep.equal(['a', 'b', 'more']);
      });
    }

    it('tells a new line only of what is new, and what stands to who comes later', async () => {
      const made = await scene();
      const file = await made.open({ autoSave: false });
      edit(file, setKey('a', 'label', 'ours'), setKey('b', 'label', 'ours'));
      await made.write(writeFbp(edited(base, setKey('a', 'label', 'theirs'))));
      await until(() => made.problems.length > 0);
      await made.write(writeFbp(edited(base, setKey('a', 'label', 'theirs'), setKey('b', 'label', 'theirs'))));
      await until(() => made.problems.length > 1);
      expect(made.problems.map((line) => /node '(.)'/.exec(line)?.[1])).to.deep.equal(['a', 'b']);
      const late: string[] = [];
      file.onProblem((line) => late.push(line));
      expect(late).to.deep.equal(made.problems);
    });
  });

  describe('a file that is deleted', () => {
    it('is no empty graph; the next edit writes it anew, comments and all', async () => {
      const made = await scene();
      const file = await made.open();
      await unlink(made.path);
      await until(() => made.problems.length > 0);
      expect(made.problems[0]).to.match(/it was deleted; the network goes on, and the next edit writes it anew/);
      file.put({ ...file.live, isStarted: false });
      await file.settled();
      expect(await failureOf(made.text())).to.have.property('code', 'ENOENT');
      edit(file, addNode('ours'));
      await file.settled();
      expect(await made.text()).to.equal(`${FBP}ours(Comp)\n`);
      expect(made.problems.slice(1)).to.deep.equal([`${made.path}: it is written anew`]);
      expect(made.changes).to.deep.equal([]);
    });

    it('is written anew by persist', async () => {
      const made = await scene();
      const file = await made.open({ autoSave: false });
      await rm(made.path);
      await until(() => made.problems.length > 0);
      edit(file, addNode('ours'));
      await file.settled();
      expect(await failureOf(made.text())).to.have.property('code', 'ENOENT');
      await file.persist();
      expect(await made.text()).to.equal(`${FBP}ours(Comp)\n`);
    });

    it('is merged when somebody brings it back', async () => {
      const made = await scene();
      const file = await made.open();
      await rename(made.path, `${made.path}.away`);
      await until(() => made.problems.length > 0);
      await rename(`${made.path}.away`, made.path);
      await until(() => made.problems.length > 1);
      expect(made.problems[1]).to.equal(`${made.path}: it can be read again`);
      await made.write(`${FBP}theirs(Comp)\n`);
      await until(() => rolesOf(file.live.graph).includes('theirs'));
    });

    it('goes unnoticed by who looks a moment later, as where an editor saves by deleting first', async () => {
      const made = await scene();
      const file = await made.open();
      await unlink(made.path);
      await delay(50);
      await made.write(`${FBP}theirs(Comp)\n`);
      await until(() => rolesOf(file.live.graph).includes('theirs'));
      expect(made.problems).to.deep.equal([]);
    });
  });

  it('also sees what the file system does not tell of', async () => {
    const made = await scene();
    const file = await made.open();
    await file.settled();
    // Another folder takes the place of the one that is watched.
    await rename(made.folder, `${made.folder}.old`);
    await mkdir(made.folder);
    await made.write(`${FBP}theirs(Comp)\n`);
    await until(() => rolesOf(file.live.graph).includes('theirs'));
    await rm(`${made.folder}.old`, { recursive: true });
  });

  it('loses no edit of two sides that write at the same time', async () => {
    const made = await scene();
    const file = await made.open();
    await file.settled();
    const roles: string[] = [];
    const here = (async () => {
      for (let nth = 0; nth < 40; nth += 1) {
        edit(file, addNode(`ours${nth}`));
        roles.push(`ours${nth}`);
        await delay(Math.random() * 60);
      }
    })();
    for (let nth = 0; nth < 40; nth += 1) {
      // Reads and writes in one turn, so that only we can be at fault when something is lost.
      const graph = readGraph(readFileSync(made.path, 'utf8'), { path: made.path }).graph;
      writeFileSync(made.path, writeFbp(edited(graph, addNode(`theirs${nth}`))));
      roles.push(`theirs${nth}`);
      await delay(Math.random() * 60);
    }
    await here;
    await until(() => rolesOf(file.live.graph).length === roles.length + 2);
    await file.settled();
    expect(rolesOf(await made.graph())).to.deep.equal([...roles, 'a', 'b'].sort());
    expect(made.problems).to.deep.equal([]);
  });
});
