import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Variables of whoever runs the specs that would change what executables do. */
const FOREIGN = /^(MSGFLO_|CLOUDAMQP_URL|DEBUG|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|FORCE_COLOR|NO_COLOR)/;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** In a process group of its own, as a terminal starts it. @default false */
  readonly group?: boolean;
}

/** How an executable went. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Long enough for a machine that does much else. */
const LINE_LIMIT_MS = 30_000;

/** What a spec of many processes may take. */
export const SPEC_LIMIT_MS = 45_000;

/** One word that no other spec uses, for roles and queues on a broker that specs share. */
export const unique = (prefix: string): string => `${prefix}${randomUUID().slice(0, 8)}`;

/** The lines of a text, without the empty one at its end. */
export const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** A fresh folder with the example components, in which executables run as their users run them. */
export class Project {
  readonly dir: string;
  readonly #mark = `MSGFLO_SPEC=${randomUUID()}`;
  readonly #running: Running[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** @param files further files by path */
  static async make(files: Readonly<Record<string, string>> = {}): Promise<Project> {
    if (!existsSync(join(ROOT, 'dist/cli/msgflo.js'))) throw new Error('these specs run what is built: npm run build');
    const project = new Project(await mkdtemp(join(tmpdir(), 'msgflo-cli-')));
    await cp(join(ROOT, 'participants'), join(project.dir, 'participants'), { recursive: true });
    await mkdir(join(project.dir, 'node_modules/.bin'), { recursive: true });
    await symlink(ROOT, join(project.dir, 'node_modules/msgflo'));
    for (const file of readdirSync(join(ROOT, 'bin'))) {
      await symlink(join(ROOT, 'bin', file), join(project.dir, 'node_modules/.bin', file.replace(/\.js$/, '')));
    }
    await project.write({ 'package.json': '{"type":"module"}', ...files });
    return project;
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.dir, path)), { recursive: true });
      await writeFile(join(this.dir, path), text);
    }
  }

  /** Starts an executable by name. */
  start(name: string, args: readonly string[], options: RunOptions = {}): Running {
    return this.#spawn(process.execPath, [join(ROOT, 'bin', `${name}.js`), ...args], options);
  }

  /** Starts a line by the shell, with our executables in PATH as `npm` puts them there. */
  shell(line: string, options: RunOptions = {}): Running {
    return this.#spawn('/bin/sh', ['-c', line], options);
  }

  /** Runs an executable to its end. */
  async run(name: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(name, args, options).ended;
  }

  /** What the folder's `.msgflo` holds that must not outlive a broker. */
  brokerFiles(): string[] {
    const dir = join(this.dir, '.msgflo');
    if (!existsSync(dir)) return [];
    return readdirSync(dir).filter((name) => name.startsWith('broker') && !isOfTheLast(join(dir, name)));
  }

  /** Command lines of processes that were started in this project, by whomever, and still run after `withinMs`. */
  async leftovers(withinMs = 3000): Promise<string[]> {
    for (const endMs = performance.now() + withinMs; ; await delay(25)) {
      const left = this.#processes().map(({ command }) => command);
      if (left.length === 0 || performance.now() > endMs) return left;
    }
  }

  /** Process ids of those whose command line contains `text`. */
  pidsOf(text: string): number[] {
    return this.#processes().flatMap(({ pid, command }) => (command.includes(text) ? [pid] : []));
  }

  /** Interrupts what runs and removes the folder. @throws {Error} naming processes that are left */
  async clean(): Promise<void> {
    for (const { child } of this.#running) child.kill('SIGINT');
    await Promise.race([Promise.all(this.#running.map(({ ended }) => ended)), delay(8000)]);
    const left = await this.leftovers();
    for (const { pid } of this.#processes()) process.kill(pid, 'SIGKILL');
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 });
    if (left.length > 0) throw new Error(`left running:\n${left.join('\n')}`);
  }

  #spawn(file: string, args: readonly string[], { env, group = false }: RunOptions): Running {
    const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
    const [name = '', value = ''] = this.#mark.split('=');
    const path = `${join(this.dir, 'node_modules/.bin')}:${process.env['PATH']}`;
    const child = spawn(file, args, {
      cwd: this.dir,
      env: { ...Object.fromEntries(inherited), PATH: path, ...env, [name]: value },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: group,
    });
    const running = new Running(child);
    this.#running.push(running);
    return running;
  }

  /** All that inherited our mark: also what left the process group. */
  #processes(): { readonly pid: number; readonly command: string }[] {
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(this.#mark)) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
        return command === '' ? [] : [{ pid: Number(name), command }];
      } catch {
        return []; // ended meanwhile
      }
    });
  }
}

/** An executable that was started, and what it has said so far. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';
  #isOver = false;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#isOver = true;
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The first line of stdout or stderr that matches. @throws {Error} when it ends or 30 s pass without one */
  async line(pattern: RegExp): Promise<string> {
    for (const endMs = performance.now() + LINE_LIMIT_MS; ; await delay(10)) {
      const found = [...linesOf(this.#stdout), ...linesOf(this.#stderr)].find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (this.#isOver || performance.now() > endMs) {
        throw new Error(`no line like ${pattern} in:\n${this.#stdout}${this.#stderr}`);
      }
    }
  }

  /** What a terminal does on Ctrl-C: everybody in its group is interrupted. */
  pressCtrlC(): void {
    if (this.child.pid !== undefined && !this.#isOver) process.kill(-this.child.pid, 'SIGINT');
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** What is said besides what participants and progress say. */
export function complaints(stderr: string): string[] {
  return linesOf(stderr).filter((line) => !/ \| |using the |roles live|: stopping \d|is lost$/.test(line));
}

/** True for a broker.json that only tells the next broker where the last one was. */
function isOfTheLast(path: string): boolean {
  return path.endsWith('.json') && !readFileSync(path, 'utf8').includes('"pid"');
}
