import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../support/index.js';
import type { Exit, ProcessSpec, ProcessState, ProcessStatus } from './model.js';
import { type RestartOptions, RestartPolicy } from './restart-policy.js';
import type { SharedMember, SharedProcess } from './shared-process.js';

export interface SharedRunnerOptions {
  readonly process: SharedProcess;
  readonly log: Logger;
  /** From being told to end until the whole process is killed. */
  readonly graceMs: number;
  readonly restart: RestartOptions;
  readonly onState: (state: ProcessState) => void;
}

/**
 * Keeps one spec running in a process that it shares with others. What ends by itself is judged and started again as a
 * process would be. One that does not end when it is told to takes the process with it, and the others are started again.
 */
export class SharedRunner implements SharedMember {
  readonly spec: ProcessSpec;
  readonly tried: Promise<void>;
  readonly #options: SharedRunnerOptions;
  readonly #policy: RestartPolicy;
  readonly #stopping = new AbortController();
  #status: ProcessStatus = 'starting';
  #pid: number | undefined;
  #begunAtMs: number | undefined;
  #restarts = 0;
  #lastExit: Exit | undefined;
  #said: readonly string[] = [];
  #onEnd: () => void = () => undefined;

  constructor(spec: ProcessSpec, options: SharedRunnerOptions) {
    this.spec = spec;
    this.#options = options;
    this.#policy = new RestartPolicy(options.restart);
    options.process.add(this);
    this.tried = options.process.tried;
  }

  get state(): ProcessState {
    const { key, role } = this.spec;
    return {
      key,
      role,
      status: this.#status,
      ...(this.#pid !== undefined && { pid: this.#pid }),
      restarts: this.#restarts,
      ...(this.#lastExit && { lastExit: this.#lastExit }),
      ...(this.#said.length > 0 && { stderrTail: this.#said }),
    };
  }

  began(pid: number | undefined): void {
    if (this.#begunAtMs === undefined && this.#lastExit) this.#restarts += 1;
    this.#begunAtMs = performance.now();
    this.#pid = pid;
    if (!this.#stopping.signal.aborted) this.#enter('running');
  }

  ended(exit: Exit, said: readonly string[]): void {
    const livedMs = this.#end(exit, said);
    if (this.#stopping.signal.aborted) {
      this.#onEnd();
      return;
    }
    const { log, process } = this.#options;
    const decision = this.#policy.judge(exit, livedMs);
    const what = `role '${this.spec.role}' ended with code ${exit.code}${said.length > 0 ? ` (${said.at(-1)})` : ''}`;
    this.#enter(decision.kind === 'again' ? 'backoff' : decision.kind);
    if (decision.kind === 'again') {
      log.info(`${what}, starting again in ${Math.ceil(decision.afterMs)} ms`);
      void this.#startAfter(decision.afterMs);
      return;
    }
    process.remove(this);
    if (decision.kind === 'failed') log.warn(`${what} too often, not started again`);
  }

  lost(exit: Exit, said: readonly string[], status: 'backoff' | 'failed' | 'ended'): void {
    this.#end(exit, said);
    if (this.#stopping.signal.aborted) this.#onEnd();
    else this.#enter(status);
  }

  /** Resolves when it has ended. Idempotent. */
  async stop(): Promise<void> {
    const { process, graceMs, log } = this.#options;
    const isRunning = this.#begunAtMs !== undefined;
    if (!this.#stopping.signal.aborted) {
      this.#stopping.abort();
      this.#enter('stopping');
    }
    if (isRunning) {
      const over = new Promise<void>((resolve) => {
        this.#onEnd = resolve;
      });
      process.tellToStop(this);
      const timer = setTimeout(() => {
        log.warn(`role '${this.spec.role}' does not end: the process that it shares is killed`);
        process.kill();
      }, graceMs);
      await over;
      clearTimeout(timer);
    }
    process.remove(this);
    if (this.#status !== 'stopped') this.#enter('stopped');
  }

  /** Gives how long it had lived, in ms. */
  #end(exit: Exit, said: readonly string[]): number {
    const livedMs = performance.now() - (this.#begunAtMs ?? performance.now());
    this.#begunAtMs = undefined;
    this.#pid = undefined;
    this.#lastExit = exit;
    this.#said = said;
    return livedMs;
  }

  async #startAfter(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    await delay(ms, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted && this.#begunAtMs === undefined) this.#options.process.add(this);
  }

  #enter(status: ProcessStatus): void {
    this.#status = status;
    this.#options.onState(this.state);
  }
}
