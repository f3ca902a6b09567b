import type { ChildProcess } from 'node:child_process';
import type { Exit, ProcessSpec, ProcessState } from './model.js';
import { ProcessRunner, type RunnerOptions } from './process-runner.js';
import type { Secrets } from './secrets.js';
import { isSharedEnd, SHARED_VARIABLE, type SharedOrder } from './shared-protocol.js';

/** One spec that runs in a shared process. */
export interface SharedMember {
  readonly spec: ProcessSpec;
  /** It was told to begin, in a process with this id. */
  began(pid: number | undefined): void;
  /** It has ended, the process has not. */
  ended(exit: Exit, said: readonly string[]): void;
  /** The process has ended, and will be started again (`backoff`) or not. */
  lost(exit: Exit, said: readonly string[], status: 'backoff' | 'failed' | 'ended'): void;
}

/**
 * A process that runs several specs of the same program: there while any of them is wanted, and started again, with all
 * of them, when it dies.
 */
export class SharedProcess {
  readonly #runner: ProcessRunner;
  readonly #members = new Map<string, SharedMember>();
  readonly #secrets: Secrets | undefined;
  #child: ChildProcess | undefined;

  /** @param first decides on program, folder and surroundings */
  constructor(first: ProcessSpec, options: RunnerOptions) {
    this.#secrets = options.secrets;
    const { shared: name = '', argv, cwd } = first;
    const [node = '', script = ''] = argv;
    const spec = { key: `shared ${name}`, role: name, argv: [node, script], env: { [SHARED_VARIABLE]: name } };
    this.#runner = new ProcessRunner(cwd === undefined ? spec : { ...spec, cwd }, {
      ...options,
      onState: (state) => this.#changed(state),
      onSpawn: (child) => this.#spawned(child),
    });
  }

  /** Resolves when the process is there, or cannot be started. */
  get tried(): Promise<void> {
    return this.#runner.tried;
  }

  /** It has ended, or failed too often, and is not started again: who is added now never begins. */
  get isOver(): boolean {
    const { status } = this.#runner.state;
    return status === 'failed' || status === 'ended';
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  add(member: SharedMember): void {
    this.#members.set(member.spec.key, member);
    if (this.#child?.connected) this.#start(member, this.#child);
  }

  /** Asks it to end; `member.ended` tells of it. */
  tellToStop({ spec }: SharedMember): void {
    this.#order({ shared: 1, call: 'stop', key: spec.key });
  }

  remove(member: SharedMember): void {
    if (this.#members.get(member.spec.key) === member) this.#members.delete(member.spec.key);
  }

  /** Ends the process at once, and so all that run in it; those that are wanted are started again. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.#runner.stop();
  }

  #spawned(child: ChildProcess): void {
    this.#child = child;
    child.on('message', (message) => {
      if (this.#child !== child || !isSharedEnd(message)) return;
      const exit = { code: message.code, signal: null, atMs: Date.now() };
      const said = message.said.map((line) => this.#secrets?.masked(line) ?? line);
      this.#members.get(message.ended)?.ended(exit, said);
    });
    for (const member of this.#members.values()) this.#start(member, child);
  }

  #start(member: SharedMember, { pid }: ChildProcess): void {
    const { key, argv, env = {}, cwd } = member.spec;
    this.#order({ shared: 1, call: 'start', key, args: argv.slice(2), env, cwd });
    member.began(pid);
  }

  #order(order: SharedOrder): void {
    if (this.#child?.connected) this.#child.send(order);
  }

  #changed({ status, lastExit, stderrTail = [] }: ProcessState): void {
    if (status !== 'backoff' && status !== 'failed' && status !== 'ended') return;
    this.#child = undefined;
    const exit = lastExit ?? { code: null, signal: null, atMs: Date.now() };
    for (const member of [...this.#members.values()]) member.lost(exit, stderrTail, status);
  }
}
