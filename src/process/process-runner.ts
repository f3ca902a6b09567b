import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';
import { spawnChild } from './child.js';
import type { Guard } from './guard.js';
import { linesOf, Tail } from './lines.js';
import type { Exit, OutputLine, ProcessSpec, ProcessState, ProcessStatus } from './model.js';
import { endGroup } from './process-group.js';
import { type Decision, type RestartOptions, RestartPolicy, SETTLED_MS } from './restart-policy.js';
import type { Secrets } from './secrets.js';

export interface RunnerOptions {
  readonly guard: Guard;
  readonly log: Logger;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
  readonly restart: RestartOptions;
  readonly env: Readonly<Record<string, string>>;
  /** Given line by line, waiting for each; `inherit` leaves our own stdout and stderr to the process. */
  readonly output: 'inherit' | ((line: OutputLine) => Promise<void>);
  /** Hidden in what it prints. */
  readonly secrets?: Secrets;
  readonly onState: (state: ProcessState) => void;
  /** Gives the process a channel for messages, and the process to the caller as soon as it runs. */
  readonly onSpawn?: (child: ChildProcess) => void;
}

interface Life {
  readonly exit: Exit;
  /** Undefined when it cannot be started at all. */
  readonly livedMs: number | undefined;
  /** What it said last, or why it could not be started. */
  readonly tail: Tail;
}

/** After a process and its group are gone, somebody who left the group may still hold its stdout. */
const OUTPUT_END_MS = 1000;

/**
 * Keeps one process running: starts it, and after each exit ends what is left of its group and asks the policy whether
 * to start again. Runs from its construction until it ended, failed or was stopped.
 */
export class ProcessRunner {
  readonly spec: ProcessSpec;
  /** Resolves after the first try, whatever came of it. */
  readonly tried: Promise<void>;
  /** Resolves when there is no process and will be none. Never rejects. */
  readonly over: Promise<void>;
  readonly #options: RunnerOptions;
  readonly #policy: RestartPolicy;
  readonly #stopping = new AbortController();
  #status: ProcessStatus = 'starting';
  #pid: number | undefined;
  /** Under way for the present group: a second SIGTERM makes many programs drop what they have in hand. */
  #ending: Promise<boolean> | undefined;
  #restarts = 0;
  #last: Life | undefined;
  #lastSaid = '';
  #wasTried = (): void => undefined;

  constructor(spec: ProcessSpec, options: RunnerOptions) {
    this.spec = spec;
    this.#options = options;
    this.#policy = new RestartPolicy(options.restart);
    this.tried = new Promise((resolve) => {
      this.#wasTried = resolve;
    });
    this.over = this.#run();
  }

  get state(): ProcessState {
    const { key, role } = this.spec;
    const tail = this.#last?.tail.telling ?? [];
    return {
      key,
      role,
      status: this.#status,
      ...(this.#pid !== undefined && { pid: this.#pid }),
      restarts: this.#restarts,
      ...(this.#last && { lastExit: this.#last.exit }),
      ...(tail.length > 0 && { stderrTail: tail }),
    };
  }

  /** SIGTERM to the group, SIGKILL after the grace. Resolves when nothing of it is left. Idempotent. */
  async stop(): Promise<void> {
    if (!this.#stopping.signal.aborted) {
      this.#stopping.abort();
      this.#enter('stopping');
    }
    if (this.#pid !== undefined) await this.#end(this.#pid);
    await this.over;
    if (this.#status !== 'stopped') this.#enter('stopped');
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const life = await this.#live();
      this.#last = life;
      this.#wasTried();
      if (signal.aborted) return;
      const decision = this.#policy.judge(life.exit, life.livedMs);
      this.#say(life, decision);
      if (decision.kind !== 'again') return this.#enter(decision.kind);
      this.#enter('backoff');
      await delay(decision.afterMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      this.#restarts += 1;
      this.#enter('starting');
    }
  }

  /** One process from its start until it, its group and its output are gone. */
  async #live(): Promise<Life> {
    const { guard, output, onSpawn } = this.#options;
    const startedAtMs = performance.now();
    const pipe = output === 'inherit' ? 'inherit' : 'pipe';
    const tail = new Tail();
    const child = await spawnChild(this.spec, {
      env: { ...this.#options.env, ...guard.env },
      stdio: ['ignore', pipe, pipe, ...(onSpawn ? (['ipc'] as const) : [])],
      adopt: (pid) => {
        this.#pid = pid;
        guard.add(pid);
      },
    });
    if ('reason' in child) {
      tail.push(child.reason);
      const livedMs = child.isHopeless ? undefined : 0;
      return { exit: { code: null, signal: null, atMs: Date.now() }, livedMs, tail };
    }
    // Not events.once(), which would take a failed send for the end.
    const exited = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal, atMs: Date.now() }));
    });
    const reading = Promise.all([this.#read(child.stdout, 'stdout'), this.#read(child.stderr, 'stderr', tail)]);
    if (!this.#stopping.signal.aborted) this.#enter('running');
    onSpawn?.(child);
    this.#wasTried();
    const exit = await exited;
    const livedMs = performance.now() - startedAtMs;
    if (this.#pid !== undefined && (await this.#end(this.#pid))) guard.remove(this.#pid);
    this.#pid = undefined;
    this.#ending = undefined;
    await Promise.race([reading, delay(OUTPUT_END_MS, undefined, { ref: false })]);
    child.stdout?.destroy();
    child.stderr?.destroy();
    return { exit, livedMs, tail };
  }

  async #read(stream: Readable | null, name: OutputLine['stream'], tail?: Tail): Promise<void> {
    const { output, log, secrets } = this.#options;
    if (!stream || output === 'inherit') return;
    const { key, role } = this.spec;
    try {
      for await (const said of linesOf(stream)) {
        const line = secrets ? secrets.masked(said) : said;
        tail?.push(line);
        await output({ key, role, stream: name, line });
      }
    } catch (error) {
      if (!stream.destroyed)
        log.warnOnce(`output ${key}`, `cannot forward the ${name} of role '${role}': ${messageOf(error)}`);
    }
  }

  #end(pgid: number): Promise<boolean> {
    this.#ending ??= endGroup(pgid, this.#options.graceMs).then((isGone) => {
      if (!isGone) this.#options.log.warn(`role '${this.spec.role}': group ${pgid} is still there after SIGKILL`);
      return isGone;
    });
    return this.#ending;
  }

  #enter(status: ProcessStatus): void {
    this.#status = status;
    this.#options.onState(this.state);
  }

  #say({ exit, livedMs, tail }: Life, decision: Decision): void {
    const { log } = this.#options;
    const role = `role '${this.spec.role}'`;
    const isStarted = exit.code !== null || exit.signal !== null;
    const what = isStarted ? `exited with ${exit.signal ?? `code ${exit.code}`}` : 'cannot be started';
    // Who is killed from outside had no say in it: its last line is about something else.
    const why = tail.reason === undefined || exit.signal === 'SIGKILL' ? '' : ` (${tail.reason.trim()})`;
    const command = this.spec.argv.join(' ').replace(/\s+/g, ' ').slice(0, 300);
    // What fails in the same words again and again is said the first time, and when it is given up.
    const isNews = exit.code === null || `${what}${why}` !== this.#lastSaid || (livedMs ?? 0) >= SETTLED_MS;
    this.#lastSaid = `${what}${why}`;
    if (decision.kind === 'ended') log[exit.code === 0 ? 'info' : 'debug'](`${role} ended: ${what}${why}: ${command}`);
    else if (decision.kind === 'again')
      log[isNews ? 'info' : 'debug'](
        `${role} ${what}${why}, starting again in ${Math.ceil(decision.afterMs)} ms: ${command}`,
      );
    else if (livedMs === undefined) log.warn(`${role} ${what}${why}: ${command}`);
    else log.warn(`${role} failed: ${what} too often${why}, not started again: ${command}`);
  }
}
