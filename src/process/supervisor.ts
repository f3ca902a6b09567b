import { UsageError } from '../errors.js';
import { canonicalJson, type Logger } from '../support/index.js';
import { SupervisorClosedError } from './errors.js';
import type { Guard } from './guard.js';
import type { OutputLine, ProcessSpec, ProcessState } from './model.js';
import { ProcessRunner, type RunnerOptions } from './process-runner.js';
import type { RestartOptions } from './restart-policy.js';
import type { Secrets } from './secrets.js';
import { SharedProcess } from './shared-process.js';
import { SharedRunner } from './shared-runner.js';

export interface SupervisorOptions {
  /** Ends everything should this process die; opened and closed by the caller. */
  readonly guard: Guard;
  readonly log: Logger;
  /** From SIGTERM to SIGKILL. @default 5000 */
  readonly graceMs?: number;
  readonly restart?: RestartOptions;
  /** Added to the environment of every process. @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** Hidden in all that processes print. @default none */
  readonly secrets?: Secrets;
}

/** What keeps one spec running. */
type Runner = Pick<ProcessRunner, 'spec' | 'tried' | 'state' | 'stop'>;

/** May return a promise; the process's output is not read on before it resolves. */
export type OutputHandler = (line: OutputLine) => void | Promise<void>;

/**
 * Starts, watches, restarts and stops processes, each in a group of its own. The table holds what was started and not
 * stopped since: also what `ended` by itself (exit code 0) or `failed`. To run those again, stop them first.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #runners = new Map<string, Runner>();
  readonly #shared = new Map<string, SharedProcess>();
  /** The last thing asked for each key; the next waits for it. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #changeHandlers: ((state: ProcessState) => void)[] = [];
  readonly #outputHandlers: OutputHandler[] = [];
  #isClosed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  async list(): Promise<readonly ProcessState[]> {
    return [...this.#runners.values()].map((runner) => runner.state);
  }

  /**
   * Resolves when the process was started, or could not be, which its state then says. Does nothing for an equal spec;
   * another one under the same key replaces the process.
   *
   * @throws {SupervisorClosedError}
   * @throws {UsageError} for a spec without a command
   */
  async start(spec: ProcessSpec): Promise<void> {
    if (!spec.argv[0]) throw new UsageError(`role '${spec.role}' has an empty command`);
    if (spec.shell !== undefined && spec.argv.length !== 1) {
      throw new UsageError(`role '${spec.role}': with a shell the command must be one text, got ${spec.argv.length}`);
    }
    await this.#inTurn(spec.key, async () => {
      const current = this.#runners.get(spec.key);
      if (current && canonicalJson(current.spec) === canonicalJson(spec)) return;
      await current?.stop();
      if (this.#isClosed)
        throw new SupervisorClosedError(`role '${spec.role}' is not started: the supervisor is closed`);
      const runner = this.#run(spec);
      this.#runners.set(spec.key, runner);
      await runner.tried;
    });
  }

  /** Resolves when the process and its group are gone and out of the table. Idempotent. */
  async stop(key: string): Promise<void> {
    await this.#inTurn(key, async () => {
      await this.#runners.get(key)?.stop();
      this.#runners.delete(key);
      await this.#endUnused();
    });
  }

  onChange(handler: (state: ProcessState) => void): void {
    this.#changeHandlers.push(handler);
  }

  onOutput(handler: OutputHandler): void {
    this.#outputHandlers.push(handler);
  }

  /** Stops everything, side by side. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...new Set([...this.#runners.keys(), ...this.#turns.keys()])].map((key) => this.stop(key)));
  }

  #run(spec: ProcessSpec): Runner {
    const options = this.#runnerOptions();
    if (spec.shared === undefined) return new ProcessRunner(spec, options);
    const key = JSON.stringify([spec.shared, ...spec.argv.slice(0, 2)]);
    const known = this.#shared.get(key);
    const process = known && !known.isOver ? known : new SharedProcess(spec, { ...options, onState: () => undefined });
    this.#shared.set(key, process);
    return new SharedRunner(spec, { process, ...options });
  }

  /** Shared processes in which nothing is wanted any more. */
  async #endUnused(): Promise<void> {
    const unused = [...this.#shared].filter(([, process]) => process.isEmpty);
    for (const [key] of unused) this.#shared.delete(key);
    await Promise.all(unused.map(([, process]) => process.stop()));
  }

  #runnerOptions(): RunnerOptions {
    const { guard, log, graceMs = 5000, restart = {}, env = {}, secrets } = this.#options;
    return {
      guard,
      log,
      graceMs,
      restart,
      env,
      ...(secrets && { secrets }),
      output: async (line) => {
        await Promise.all(this.#outputHandlers.map((handler) => handler(line)));
      },
      onState: (state) => {
        for (const handler of this.#changeHandlers) handler(state);
      },
    };
  }

  async #inTurn(key: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).catch(() => undefined).then(work);
    this.#turns.set(key, turn);
    try {
      await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }
}
