import { type ChildProcess, fork } from 'node:child_process';
import { programOf } from '../../support/index.js';
import { type JobResult, readResult } from './worker-jobs.js';

interface Running {
  readonly resolve: (result: JobResult) => void;
}

/** One process that runs processors. Dead, it is of no more use: what it had in hand has failed. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #running = new Map<number, Running>();
  #executions = 0;
  #isDead = false;
  #isRetired = false;

  constructor() {
    const { path, execArgv } = programOf('log/server/worker-main');
    // What processors print goes where the node prints.
    this.#child = fork(path, { execArgv: [...execArgv], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child.on('message', (message) => {
      const result = readResult(message);
      if (result) this.#finish(result);
    });
    this.#child.once('exit', () => this.#died()).on('error', () => this.#died());
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Begun since it was started. */
  get executions(): number {
    return this.#executions;
  }

  get inHand(): number {
    return this.#running.size;
  }

  /** It takes jobs. */
  get isFit(): boolean {
    return !this.#isDead && !this.#isRetired;
  }

  /** Never rejects; a worker that dies, or takes longer than `limitMs` (-1: no limit), fails the job. */
  async run(processor: string, records: string, limitMs: number): Promise<JobResult> {
    this.#executions += 1;
    const job = this.#executions;
    return await new Promise((resolve) => {
      const timer = limitMs > 0 ? setTimeout(() => this.#overdue(job), limitMs) : undefined;
      const settle = (result: JobResult): void => {
        clearTimeout(timer);
        resolve(result);
      };
      this.#running.set(job, { resolve: settle });
      this.#child.send({ job, processor, records }, (error) => {
        if (error) this.#finish({ job, outputs: [], error: error.message });
      });
    });
  }

  /** Takes no more jobs, and ends when none is in hand. */
  retire(): void {
    this.#isRetired = true;
    if (this.#running.size === 0) this.kill();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #finish(result: JobResult): void {
    const running = this.#running.get(result.job);
    this.#running.delete(result.job);
    running?.resolve(result);
    if (this.#isRetired && this.#running.size === 0) this.kill();
  }

  /** Its code may hang for ever: others get a worker that does not. */
  #overdue(job: number): void {
    this.#isRetired = true;
    this.#finish({ job, outputs: [], error: 'not done in time' });
  }

  #died(): void {
    this.#isDead = true;
    for (const job of [...this.#running.keys()]) this.#finish({ job, outputs: [], error: 'the worker died' });
  }
}
