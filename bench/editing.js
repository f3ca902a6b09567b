import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, until } from './support/children.js';
import { Editor, edge } from './support/editor.js';
import { median } from './support/figures.js';
import { startMosquitto, startRabbit } from './support/servers.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Until nothing of an edit goes on any more. */
const QUIET_MS = 2500;
const NODES = 1000;
/** Seconds of CPU of the coordinator that opening a graph of 1,000 nodes may take. */
const TARGET_SECONDS = 2;

const GRAPH = `
src(SteadySource) OUT -> IN one(Repeat) OUT -> IN sink(ArrivalSink)
two(Repeat) OUT -> IN sink
other(ArrivalSink)
`;

/** What people who edit a running network wait for, and what their messages suffer. @type {import('./run.js').Bench} */
export async function editing({ quick }) {
  const rounds = quick ? 1 : 5;
  const rabbit = await startRabbit();
  const mosquitto = await startMosquitto();
  try {
    return [
      ...(await edits('embedded', undefined, rounds)),
      ...(await edits('amqp', rabbit.url, rounds)),
      ...(await edits('mqtt', mosquitto.url, rounds)),
      ...(await large()),
    ];
  } finally {
    await rabbit.stop();
    await mosquitto.stop();
  }
}

/** @param {string} name @param {string | undefined} broker @param {number} rounds @returns {Promise<import('./run.js').Row[]>} */
async function edits(name, broker, rounds) {
  const network = await Network.start({ 'main.fbp': GRAPH }, ['--graph', 'main.fbp'], broker);
  try {
    const { editor } = network;
    await network.arrivals('sink', 200);
    const added = await network.repeat(rounds, async () => {
      const before = network.rows('other').length;
      const startedMs = Date.now();
      await editor.ask('graph:addedge', edge('src', 'other'));
      await network.arrivals('other', before + 1);
      const ms = (network.rows('other')[before]?.atMs ?? Number.NaN) - startedMs;
      await editor.ask('graph:removeedge', edge('src', 'other'));
      return ms;
    });
    const moves = await network.watched(rounds, async (round) => {
      const [from, to] = round % 2 === 0 ? ['one', 'two'] : ['two', 'one'];
      await Promise.all([
        editor.ask('graph:removeedge', edge('src', from ?? '')),
        editor.ask('graph:addedge', edge('src', to ?? '')),
      ]);
    });
    const [current, other] = rounds % 2 === 0 ? ['one', 'two'] : ['two', 'one'];
    let role = current;
    const renames = await network.watched(rounds, async (round) => {
      await editor.ask('graph:renamenode', { from: role, to: `${other}-${round}` });
      role = `${other}-${round}`;
    });
    return [
      { what: `editing on ${name}: ms from addedge to the first message over it`, ours: median(added) },
      { what: `editing on ${name}: duplicates when an edge is moved, of some 400 messages/s`, ours: moves.duplicates },
      { what: `editing on ${name}: ms without a message when an edge is moved`, ours: moves.gapMs },
      { what: `editing on ${name}: ms without a message when a node on the way is renamed`, ours: renames.gapMs },
      { what: `editing on ${name}: duplicates when a node on the way is renamed`, ours: renames.duplicates },
      loss(name, moves.lost + renames.lost),
    ];
  } finally {
    await network.stop();
  }
}

/** @param {string} name @param {number} lost */
function loss(name, lost) {
  return { what: `editing on ${name}: messages lost`, ours: lost, target: 'none', met: lost === 0 };
}

/** A graph of 1,000 nodes that an editor opens, and one that it sends. @returns {Promise<import('./run.js').Row[]>} */
async function large() {
  const ids = Array.from({ length: NODES }, (_, n) => `n${n}`);
  const processes = Object.fromEntries(ids.map((id) => [id, { component: `C${id}` }]));
  const components = Object.fromEntries(ids.map((id) => [`C${id}`, 'sleep 1000']));
  const connections = ids.slice(1).map((id, n) => ({
    src: { process: `n${n}`, port: 'out' },
    tgt: { process: id, port: 'in' },
  }));
  const files = {
    'main.json': JSON.stringify({ processes, connections }),
    'library.json': JSON.stringify({ components }),
  };
  const ignored = ids.flatMap((id) => ['--ignore', id]);
  const network = await Network.start(files, ['--graph', 'main.json', '--library', 'library.json', ...ignored]);
  try {
    const { editor } = network;
    const opened = await network.cpuSeconds(async () => {
      await editor.ask('runtime:getruntime', {});
      await editor.ask('component:list', {});
      await editor.ask('component:getsource', { name: editor.graph });
      await editor.ask('network:getstatus', {});
    });
    const sent = await network.cpuSeconds(async () => {
      await editor.ask('graph:clear', { id: editor.graph, main: true });
      const asks = ids.map((id) => editor.ask('graph:addnode', { id, component: `C${id}`, metadata: {} }));
      for (const [n, id] of ids.slice(1).entries()) asks.push(editor.ask('graph:addedge', edge(`n${n}`, id)));
      await Promise.all(asks);
    });
    return [
      limited(`editing: s of CPU to open a graph of ${NODES} nodes`, opened),
      limited(`editing: s of CPU to take in a graph of ${NODES} nodes, message by message`, sent),
    ];
  } finally {
    await network.stop();
  }
}

/** @param {string} what @param {number} seconds */
function limited(what, seconds) {
  const ratio = seconds / TARGET_SECONDS;
  return { what, ours: seconds, peer: TARGET_SECONDS, ratio, target: `under ${TARGET_SECONDS}`, met: ratio < 1 };
}

/** A running msgflo in a folder of its own, and an editor. */
class Network {
  /** @param {string} folder @param {Child} msgflo @param {Editor} editor */
  constructor(folder, msgflo, editor) {
    this.folder = folder;
    this.msgflo = msgflo;
    this.editor = editor;
  }

  /** @param {Readonly<Record<string, string>>} files @param {readonly string[]} args @param {string} [broker] */
  static async start(files, args, broker) {
    const folder = await mkdtemp(join(tmpdir(), 'msgflo-bench-'));
    await cp(join(ROOT, 'bench/components'), join(folder, 'participants'), { recursive: true });
    await cp(join(ROOT, 'participants/Repeat.js'), join(folder, 'participants/Repeat.js'));
    await mkdir(join(folder, 'node_modules'));
    await symlink(ROOT, join(folder, 'node_modules/msgflo'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const named = broker === undefined ? [] : ['--broker', broker];
    const bin = join(ROOT, 'bin/msgflo.js');
    const msgflo = new Child([bin, ...args, ...named, '--port', '0', '--forward', 'none'], { cwd: folder });
    const started = () => /msgflo started on (\S+)/.exec(msgflo.said)?.[1];
    const address = await until(started, { children: [msgflo], what: 'msgflo' });
    return new Network(folder, msgflo, await Editor.open(address));
  }

  /** What a sink was given. @param {string} sink */
  rows(sink) {
    const path = join(this.folder, `arrivals-${sink}`);
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
    return lines.map((line) => {
      const [n = 0, atMs = 0] = line.split(' ').map(Number);
      return { n, atMs };
    });
  }

  /** @param {string} sink @param {number} count */
  async arrivals(sink, count) {
    const arrived = () => (this.rows(sink).length >= count ? true : undefined);
    await until(arrived, { children: [this.msgflo], everyMs: 5, what: `messages at ${sink}` });
  }

  /** @template T @param {number} rounds @param {(round: number) => Promise<T>} work */
  async repeat(rounds, work) {
    const results = [];
    for (let round = 0; round < rounds; round += 1) {
      results.push(await work(round));
      await delay(QUIET_MS);
    }
    return results;
  }

  /**
   * What the sink's messages suffer while `work` is done, again and again.
   * @param {number} rounds @param {(round: number) => Promise<void>} work
   */
  async watched(rounds, work) {
    const from = this.rows('sink').length;
    const gaps = await this.repeat(rounds, async (round) => {
      const before = this.rows('sink').length;
      await work(round);
      await delay(QUIET_MS);
      const times = this.rows('sink').map(({ atMs }) => atMs);
      return Math.max(...times.slice(before).map((ms, n) => ms - (times[before + n - 1] ?? ms)));
    });
    const rows = this.rows('sink').slice(from);
    const numbers = new Set(rows.map(({ n }) => n));
    const first = rows[0]?.n ?? 0;
    // What is on its way at the end is not missing.
    const last = Math.max(...numbers) - 200;
    const lost = Array.from({ length: last - first }, (_, k) => first + k).filter((n) => !numbers.has(n)).length;
    return { gapMs: median(gaps), duplicates: (rows.length - numbers.size) / rounds, lost };
  }

  /** CPU time of the coordinator for `work`. @param {() => Promise<void>} work */
  async cpuSeconds(work) {
    const pid = await this.coordinator();
    const before = await cpuOf(pid);
    await work();
    return (await cpuOf(pid)) - before;
  }

  async coordinator() {
    const { pid } = this.msgflo;
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ');
    for (const child of children) {
      if ((await readFile(`/proc/${child}/cmdline`, 'utf8')).includes('msgflo-coordinator')) return Number(child);
    }
    throw new Error('msgflo has no coordinator');
  }

  async stop() {
    this.editor.close();
    await this.msgflo.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Seconds, of all its threads; the kernel counts in hundredths. @param {number} pid */
async function cpuOf(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
