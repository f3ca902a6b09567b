import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { readGraph, writeJson } from '../../src/graph/index.js';
import type { Editor } from './editor.js';
import { Replica } from './replica.js';
import { BROKERS, Scene, uniqueRole } from './scene.js';

const KILLS = 4;

/** An edit that was answered so long ago is kept, whatever dies. */
const ON_DISK_MS = 1000;

type Request = readonly [name: string, payload: object];

/** Edits of which each shows by itself, and that start no processes. */
function* edits(prefix: string): Generator<Request> {
  for (let n = 1; ; n += 1) {
    const id = `${prefix}n${n}`;
    const renamed = `${prefix}r${n}`;
    yield ['graph:addnode', { id, component: 'Unheard', metadata: { x: n, y: -n } }];
    yield ['graph:addedge', { src: { node: 'first', port: 'out' }, tgt: { node: id, port: 'in' }, metadata: {} }];
    yield ['graph:addinitial', { src: { data: `for ${id}` }, tgt: { node: id, port: 'in' }, metadata: {} }];
    yield ['graph:renamenode', { from: id, to: renamed }];
    yield ['graph:removeinitial', { src: { data: `for ${id}` }, tgt: { node: renamed, port: 'in' } }];
    yield ['graph:changenode', { id: renamed, metadata: { x: 10 * n, y: -n } }];
    if (n > 2) yield ['graph:removenode', { id: `${prefix}r${n - 2}` }];
  }
}

const GRAPHS: Readonly<Record<string, string>> = {
  'main.fbp': `# what people wrote stays\n\n'a text' -> IN first(Repeat)  # and where they wrote it\n\nfirst OUT -> IN last(Repeat)\n`,
  'main.json': `${JSON.stringify(
    {
      properties: { name: 'main', note: 'kept' },
      processes: { first: { component: 'Repeat' }, last: { component: 'Repeat' } },
      connections: [
        { data: 'a text', tgt: { process: 'first', port: 'in' } },
        { src: { process: 'first', port: 'out' }, tgt: { process: 'last', port: 'in' } },
      ],
    },
    null,
    2,
  )}\n`,
};

const value = (replica: Replica): string => JSON.stringify(replica.value());
const inFile = (scene: Scene, file: string): string => {
  const path = join(scene.folder, file);
  return value(Replica.read(writeJson(readGraph(readFileSync(path, 'utf8'), { path }).graph)));
};
const running = async (editor: Editor): Promise<string> => value(Replica.read(await editor.source()));

describe('a coordinator killed with -9 in the middle of edits', function () {
  this.timeout(60_000);
  let scene: Scene | undefined;
  afterEach(async () => scene?.end());

  for (const [file, text] of Object.entries(GRAPHS)) {
    it(`with --auto-save ${file}: the graph is the one before or after an edit, never a mixture`, async () => {
      scene = await Scene.make(text, { file, args: ['--auto-save'] });
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const { possible, kept } = await editUntilKilled(scene, edits(`k${kill}`), 73 * kill);
        const editor = await scene.editor();
        const now = await running(editor);
        expect(possible, `what runs after kill ${kill}`).to.include(now);
        expect(possible.lastIndexOf(now), 'no edit is lost that was answered some time ago').to.be.at.least(kept);
        await scene.until(() => scene !== undefined && inFile(scene, file) === now);
      }
      const now = await running(await scene.editor());
      await scene.until(() => scene !== undefined && inFile(scene, file) === now);
      for (const words of text.match(/# .*|"note": .*/g) ?? []) {
        expect(readFileSync(join(scene.folder, file), 'utf8')).to.include(words);
      }
      await scene.restart();
      expect(await running(await scene.editor())).to.equal(now);
    });
  }

  it('without --auto-save: edits last as long as the keeper, and the file is left alone', async () => {
    const file = 'main.fbp';
    const text = GRAPHS[file] ?? '';
    scene = await Scene.make(text, { file });
    const before = await running(await scene.editor());
    const { possible, kept } = await editUntilKilled(scene, edits('k'), 350);
    const now = await running(await scene.editor());
    expect(possible).to.include(now);
    expect(possible.lastIndexOf(now)).to.be.at.least(kept);
    await scene.killCoordinator();
    expect(await running(await scene.editor())).to.equal(now);
    expect(readFileSync(join(scene.folder, file), 'utf8')).to.equal(text);
    await scene.restart();
    expect(await running(await scene.editor())).to.equal(before);
  });

  for (const [name, broker] of Object.entries(BROKERS)) {
    it(`on ${name}: a rename and an edge that is moved lose no message, whenever it dies`, async () => {
      const tag = uniqueRole('');
      const graph = `${tag}src(Source) OUT -> IN ${tag}a(Work) OUT -> IN ${tag}sink(Sink)\n${tag}b(Work) OUT -> IN ${tag}sink`;
      const running = await Scene.make(graph, { broker: await broker() });
      scene = running;
      await running.flows();
      for (const pauseMs of [0, 350, 550, 900]) {
        const editor = await running.editor();
        const { first, other } = middleOf(Replica.read(await editor.source()), `${tag}src`);
        const renamed = `${tag}m${pauseMs}`;
        await Promise.all([
          editor.ask('graph:renamenode', { from: first, to: renamed }),
          editor.ask('graph:removeedge', edge(`${tag}src`, renamed)),
          editor.ask('graph:addedge', { ...edge(`${tag}src`, other), metadata: {} }),
        ]);
        await delay(pauseMs);
        await running.killCoordinator();
        await running.flows(50);
      }
      await running.settles();
    });
  }

  it('leaves a network that was stopped stopped, and one that was started started', async () => {
    scene = await Scene.make("'a text' -> IN first(Repeat) OUT -> IN last(Repeat)");
    const participants = (): number => scene?.network.children('msgflo-participant').length ?? 0;
    await scene.until(() => participants() === 2);
    await (await scene.editor()).ask('network:stop');
    await scene.until(() => participants() === 0);
    await scene.killCoordinator();
    const editor = await scene.editor();
    expect(await editor.ask('network:getstatus')).to.include({ started: false, running: false });
    expect(participants()).to.equal(0);
    await editor.ask('network:start');
    await scene.until(() => participants() === 2);
    await scene.killCoordinator();
    expect(await (await scene.editor()).ask('network:getstatus')).to.include({ started: true });
    expect(participants()).to.equal(2);
  });
});

/** The node that the source leads to, and one that it does not lead to. */
function middleOf({ edges, nodes }: Replica, src: string): { readonly first: string; readonly other: string } {
  const first = edges.find((one) => one.src.node === src)?.tgt.node ?? '';
  const other = nodes.find((id) => id !== first && edges.some((one) => one.src.node === id) && id !== src) ?? '';
  return { first, other };
}

function edge(from: string, to: string): object {
  return { src: { node: from, port: 'out' }, tgt: { node: to, port: 'in' } };
}

interface Killed {
  /** What the graph may be: after none, one, two ... of the edits. */
  readonly possible: readonly string[];
  /** How many edits were answered so long before that they must be on disk. */
  readonly kept: number;
}

/** Sends edits one after another for a while, and kills the coordinator. */
async function editUntilKilled(scene: Scene, requests: Generator<Request>, count: number): Promise<Killed> {
  const editor = await scene.editor();
  const replica = Replica.read(await editor.source());
  const possible = [value(replica)];
  const from = editor.told.length;
  for (let sent = 0; sent < count; sent += 1) {
    const [name, payload] = requests.next().value ?? ['', {}];
    editor.tell(name, payload);
    const [protocol = '', command = ''] = name.split(':');
    replica.take({ protocol, command, payload: { ...payload } });
    possible.push(value(replica));
    await delay((sent % 5) * 3);
  }
  const killedMs = performance.now();
  await scene.killCoordinator();
  const answers = editor.told.slice(from).filter(({ protocol }) => protocol === 'graph');
  return { possible, kept: answers.filter(({ atMs }) => atMs < killedMs - ON_DISK_MS).length };
}
