import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  readonly args: string;
}

export interface StartOptions {
  /** Its file in the folder; null for a msgflo that is given none. @default main.fbp */
  readonly graph?: string | null;
  /** Besides what is inherited. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A project folder of its own: a graph, components, and `msgflo` to be resolved from them. */
export async function project(graph: string, components: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'msgflo-network-'));
  await mkdir(join(folder, 'participants'), { recursive: true });
  await mkdir(join(folder, 'node_modules/msgflo'), { recursive: true });
  for (const part of ['package.json', 'dist']) {
    await import('node:fs/promises').then(({ symlink }) =>
      symlink(join(ROOT, part), join(folder, 'node_modules/msgflo', part)),
    );
  }
  await cp(join(ROOT, 'participants'), join(folder, 'participants'), { recursive: true });
  for (const [file, text] of Object.entries(components)) await writeFile(join(folder, 'participants', file), text);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  await writeFile(join(folder, 'main.fbp'), graph);
  return folder;
}

/** A running `msgflo` and all it says. */
export class RunningNetwork {
  readonly folder: string;
  readonly keeper: ChildProcess;
  /** stdout and stderr, in order of arrival. */
  output = '';

  private constructor(folder: string, keeper: ChildProcess) {
    this.folder = folder;
    this.keeper = keeper;
    for (const stream of [keeper.stdout, keeper.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  static async start(
    folder: string,
    broker?: string,
    args: readonly string[] = [],
    { graph = 'main.fbp', env: more = {} }: StartOptions = {},
  ): Promise<RunningNetwork> {
    const { MSGFLO_BROKER, CLOUDAMQP_URL, ...inherited } = process.env;
    const env = { ...inherited, ...more };
    const file = graph === null ? [] : ['--graph', graph];
    const all = [...file, '--port', '0', ...(broker ? ['--broker', broker] : []), ...args];
    const keeper = spawn(process.execPath, [join(ROOT, 'bin/msgflo.js'), ...all], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new RunningNetwork(folder, keeper);
  }

  /** Resolves when the output holds `words` (for the `times`th time). */
  async says(words: string | RegExp, times = 1): Promise<void> {
    const pattern = new RegExp(typeof words === 'string' ? words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : words, 'g');
    await this.until(() => (this.output.match(pattern)?.length ?? 0) >= times);
  }

  /** Waits for a condition; fails with all that was said when the process ends before. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.keeper.exitCode !== null) throw new Error(`msgflo ended with ${this.keeper.exitCode}:\n${this.output}`);
      await new Promise((after) => setTimeout(after, 20));
    }
  }

  /** The processes below the keeper whose command line holds `words`. */
  children(words: string): readonly ProcessRow[] {
    return descendants(this.keeper.pid ?? 0).filter(({ args }) => args.includes(words));
  }

  /** All below the keeper. */
  all(): readonly ProcessRow[] {
    return descendants(this.keeper.pid ?? 0);
  }

  /** SIGINT, as Ctrl-C; resolves with the exit code. */
  async stop(): Promise<number | null> {
    if (this.keeper.exitCode === null && this.keeper.signalCode === null) {
      this.keeper.kill('SIGINT');
      await once(this.keeper, 'exit');
    }
    return this.keeper.exitCode;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function processes(): readonly ProcessRow[] {
  const text = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match ? [{ pid: Number(match[1]), ppid: Number(match[2]), args: match[3] ?? '' }] : [];
  });
}

function descendants(pid: number): readonly ProcessRow[] {
  const all = processes();
  const below = (parent: number): ProcessRow[] =>
    all.filter(({ ppid }) => ppid === parent).flatMap((row) => [row, ...below(row.pid)]);
  return below(pid);
}

/** Whether a process is there and more than a zombie, which only waits for its parent to take notice. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}
