import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isAlive, processes, ROOT, RunningNetwork } from '../network/running.js';
import { CutProxy } from './cut-proxy.js';
import type { ChaosServer } from './servers.js';
import { SLOTS, type Slot } from './slots.js';

/** Connections that can be cut: a participant's, or those of the coordinator (and the router, where there is one). */
export type Line = Slot | 'keeper';

/** Resident memory, in MiB. */
export interface Memory {
  readonly keeper: number;
  readonly coordinator: number;
}

/** Three stages of two workers, the ends one each, in a folder of their own: a `msgflo` that runs them on a broker. */
export class Stage {
  readonly folder: string;
  readonly network: RunningNetwork;
  readonly #mark: string;
  readonly #lines: ReadonlyMap<Line, CutProxy>;

  private constructor(folder: string, network: RunningNetwork, mark: string, lines: ReadonlyMap<Line, CutProxy>) {
    this.folder = folder;
    this.network = network;
    this.#mark = mark;
    this.#lines = lines;
  }

  /** @param rate messages a second that the source sends */
  static async start(server: ChaosServer, rate: number): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'msgflo-chaos-'));
    const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name);
    const run = (name: string): string => `node "${fixture('launch.js')}" "${fixture(name)}" --name #ROLE`;
    const components = {
      ChaosSource: run('source.js'),
      ChaosWorker: run('worker.js'),
      ChaosSink: run('sink.js'),
      Bridge: `node "${join(ROOT, 'bin/msgflo-register.js')}" --role "#ROLE:${fixture('Bridge.yml')}"`,
    };
    const bridge = server.hasRouter ? 'IN bridge(Bridge) OUT -> ' : '';
    const graph = `source(ChaosSource) OUT -> IN one(ChaosWorker:instances=2) OUT -> ${bridge}IN two(ChaosWorker:instances=2)
two OUT -> IN three(ChaosWorker:instances=2) OUT -> IN sink(ChaosSink)\n`;
    await writeFile(join(folder, 'library.json'), JSON.stringify({ components }));
    await writeFile(join(folder, 'main.fbp'), graph);
    const lines = new Map<Line, CutProxy>();
    for (const line of [...SLOTS, 'keeper'] as const) lines.set(line, await CutProxy.to(server.url));
    const addresses = Object.fromEntries([...lines].map(([line, { url }]) => [line, url]));
    const mark = randomUUID();
    const env = {
      CHAOS_ADDRESSES: JSON.stringify(addresses),
      CHAOS_RATE: String(rate),
      CHAOS_QUORUM: server.isQuorum ? '1' : '',
      MSGFLO_CHAOS: mark,
    };
    const args = ['--library', 'library.json'];
    const network = await RunningNetwork.start(folder, lines.get('keeper')?.url, args, { env });
    return new Stage(folder, network, mark, lines);
  }

  line(line: Line): CutProxy {
    const proxy = this.#lines.get(line);
    if (!proxy) throw new RangeError(`there is no line '${line}'`);
    return proxy;
  }

  /** The process that plays there now; undefined while there is none. */
  pidOf(slot: Slot): number | undefined {
    try {
      const pid = Number(readFileSync(join(this.folder, `${slot}.pid`), 'utf8'));
      return pid > 0 && isAlive(pid) ? pid : undefined;
    } catch {
      return undefined; // not yet started, or just being written
    }
  }

  /** Of the coordinator or the router; undefined while it is not there. */
  pidOfPart(part: 'msgflo-coordinator' | 'msgflo-router'): number | undefined {
    return this.network.children(`bin/${part}`)[0]?.pid;
  }

  memory(): Memory {
    return { keeper: memoryOf(this.network.keeper.pid), coordinator: memoryOf(this.pidOfPart('msgflo-coordinator')) };
  }

  /** Bytes in `.msgflo`, all files together. */
  stateBytes(): number {
    return this.#stateFiles().reduce((sum, path) => {
      const entry = statSync(path, { throwIfNoEntry: false });
      return sum + (entry?.isFile() ? entry.size : 0);
    }, 0);
  }

  /** Notes of attempts (docs/delivery.md): none is left once all messages are settled. */
  attemptNotes(): number {
    return this.#stateFiles().filter((path) => dirname(path).endsWith('attempts')).length;
  }

  /** Zombies below the keeper, too few or too many participants, and processes of this run that are below no keeper. */
  strays(): readonly string[] {
    const below = this.network.all();
    const zombies = below.filter(({ args }) => args.includes('<defunct>')).map(({ args }) => `zombie: ${args}`);
    const players = below.filter(({ args }) => args.includes('launch.js')).length;
    const known = new Set([this.network.keeper.pid, ...below.map(({ pid }) => pid)]);
    const orphans = this.#marked().filter(({ pid }) => !known.has(pid));
    return [
      ...zombies,
      ...(players === SLOTS.length ? [] : [`${players} participants run instead of ${SLOTS.length}`]),
      ...orphans.map(({ pid, args }) => `orphan: ${pid} ${args}`),
    ];
  }

  /** Ends it as Ctrl-C does. @returns what is wrong with how it ended */
  async end(): Promise<readonly string[]> {
    const code = await this.network.stop();
    const left = this.#marked().map(({ pid, args }) => `left running: ${pid} ${args}`);
    for (const { pid } of this.#marked()) process.kill(pid, 'SIGKILL');
    for (const proxy of this.#lines.values()) await proxy.close();
    return code === 0 ? left : [`msgflo ended with ${code}`, ...left];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #stateFiles(): readonly string[] {
    const dir = join(this.folder, '.msgflo');
    return readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => join(dir, name));
  }

  /** All that inherited the mark of this run; only Linux tells. */
  #marked(): readonly { readonly pid: number; readonly args: string }[] {
    return processes().filter(({ pid }) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`MSGFLO_CHAOS=${this.#mark}`);
      } catch {
        return false; // not Linux, ended meanwhile, or somebody else's
      }
    });
  }
}

function memoryOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return Math.round(Number(stdout) / 1024);
}
