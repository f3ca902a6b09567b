import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadLibrary } from '../../src/library/index.js';
import { asRole } from '../../src/names.js';
import { Project } from '../../src/runtime/index.js';
import { MissingComponents } from '../../src/runtime/missing-components.js';
import { keepingLogger, until } from '../participant/network.js';
import { graphOf } from './scene.js';

describe('MissingComponents', () => {
  let folder: string;
  let project: Project;
  let missing: MissingComponents | undefined;
  let graph = graphOf('a(Work)');
  let found = 0;
  const log = keepingLogger();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-missing-'));
    await mkdir(join(folder, 'participants'));
    await writeFile(join(folder, 'participants/Work.js'), '');
    const load = () => loadLibrary({ baseDir: folder });
    project = new Project({ library: await load(), load, launch: { broker: 'b' } });
    found = 0;
    log.lines.length = 0;
  });
  afterEach(async () => {
    missing?.close();
    await rm(folder, { recursive: true });
  });

  const look = (): MissingComponents =>
    new MissingComponents({
      project,
      graph: () => graph,
      log,
      found: () => {
        found += 1;
      },
    });

  it('says an unknown component of an edit once, and finds it when its file is written', async () => {
    graph = graphOf('a(Work)');
    missing = look();
    graph = graphOf('a(Work) OUT -> IN b(Later)');
    missing.changed();
    missing.changed();
    expect(log.lines.map((line) => line.slice(0, 27))).to.deep.equal(["unknown component 'Later' o"]);
    await writeFile(join(folder, 'participants/Later.js'), '');
    await until(() => found === 1);
    expect([...project.launchesOf(graph).launches.keys()]).to.include(asRole('b'));
  });

  it('looks no further when nothing is missing', async () => {
    graph = graphOf('a(Nowhere)');
    missing = look();
    expect(log.lines, 'what is missing from the beginning has been said').to.deep.equal([]);
    graph = graphOf('a(Work)');
    missing.changed();
    await writeFile(join(folder, 'participants/Nowhere.js'), '');
    await new Promise((later) => setTimeout(later, 2300));
    expect(found).to.equal(0);
  });
});
