import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Backoff, type Logger } from '../support/index.js';

/**
 * Sees to it that whatever was started ends when this process dies, also of SIGKILL: a small process of its own watches
 * a pipe to this one, and ends all groups it was told of when the pipe closes. SIGTERM first, SIGKILL 0.6 s later.
 *
 * Should the guard die, another is started and told everything. One guard serves all supervisors of a process.
 */
export class Guard {
  /** Belongs into the environment of all guarded processes: what was not told in time is found by it (Linux only). */
  readonly env: Readonly<Record<string, string>>;
  readonly #mark = randomUUID();
  readonly #groups = new Set<number>();
  readonly #backoff = new Backoff(50, 5000);
  readonly #log: Logger;
  #child: ChildProcess;
  #again: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(log: Logger) {
    this.#log = log;
    this.env = { MSGFLO_GUARD: this.#mark };
    this.#child = this.#spawn();
  }

  /** Undefined while the guard itself is being started again. */
  get pid(): number | undefined {
    return this.#child.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  /** Resolves when the guard is up. What is added earlier is safe as well, but ends later: the guard must start first. */
  async ready(): Promise<void> {
    const { stdout } = this.#child;
    if (!(stdout instanceof Socket) || stdout.readableDidRead) return;
    stdout.ref(); // otherwise a process that has nothing else to do would end while it waits here
    await new Promise((resolve) => stdout.once('data', resolve).once('close', resolve));
    stdout.unref();
  }

  /** To be called in the same turn as the spawn. */
  add(pgid: number): void {
    this.#groups.add(pgid);
    this.#tell(`+${pgid}\n`);
  }

  remove(pgid: number): void {
    if (this.#groups.delete(pgid)) this.#tell(`-${pgid}\n`);
  }

  /** Lets the guard go, which ends what is still running. Resolves when it is gone itself. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#again);
    if (this.pid === undefined) return;
    this.#child.ref();
    this.#child.stdin?.end();
    await once(this.#child, 'exit');
  }

  #tell(text: string): void {
    const { stdin } = this.#child;
    if (stdin?.writable) stdin.write(text);
  }

  #spawn(): ChildProcess {
    const file = fileURLToPath(import.meta.url);
    const path = fileURLToPath(new URL(`../process/guard-main${extname(file)}`, import.meta.url));
    const loader = extname(file) === '.ts' ? process.execArgv : []; // run from sources, it needs the same loader
    const { MSGFLO_GUARD: _outer, NODE_EXTRA_CA_CERTS: _certs, NODE_OPTIONS: _options, ...env } = process.env;
    // Its own session, and not marked itself: Ctrl-C here or the end of a keeper around us must not end it before its work is done.
    const child = spawn(process.execPath, [...loader, path, this.#mark], {
      detached: true,
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.unref();
    for (const stream of [child.stdin, child.stdout]) {
      stream?.on('error', () => undefined); // told by the exit
      if (stream instanceof Socket) stream.unref();
    }
    child.stdout?.resume();
    child.once('error', (error) => this.#replace(error.message));
    child.once('exit', (code, signal) => this.#replace(`exit ${signal ?? code}`));
    for (const pgid of this.#groups) child.stdin?.write(`+${pgid}\n`);
    return child;
  }

  #replace(reason: string): void {
    if (this.#isClosed || this.#again) return;
    this.#log.warn(`the guard died (${reason}); starting another`);
    this.#again = setTimeout(() => {
      this.#again = undefined;
      this.#child = this.#spawn();
    }, this.#backoff.nextMs());
  }
}
