import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parse } from 'shell-quote';
import { messageOf, UsageError } from '../errors.js';
import type { QueueName } from '../names.js';
import { timeLimit } from '../support/index.js';
import type { CliContext } from './command.js';
import { findProgram } from './find-program.js';

/** A command that takes longer is ended. */
const LIMIT_MS = 60_000;
/** What does not heed SIGTERM is killed after so long. */
const HEED_MS = 2000;

/** A command that is run when a queue fails. */
export class Alarm {
  readonly #argv: readonly [string, ...string[]];
  readonly #context: Pick<CliContext, 'env' | 'cwd' | 'log'>;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  /**
   * @param line split as a shell does it, without a shell
   * @throws {UsageError} for what only a shell can do, and for a program that is not there
   */
  constructor(line: string, context: Pick<CliContext, 'env' | 'cwd' | 'log'>) {
    const [program, ...args] = wordsOf(line);
    if (program === undefined || program === '') throw new UsageError('--exec is a command; it is empty');
    const path = findProgram(program, context);
    if (path === undefined) throw new UsageError(`--exec: there is no program '${program}'`);
    this.#argv = [path, ...args];
    this.#context = context;
  }

  /** Resolves when the command has ended, well or not: that is said. Its output goes to our stderr. */
  async run(queue: QueueName, missed: number): Promise<void> {
    const running = this.#run({ MSGFLO_QUEUE: queue, MSGFLO_MISSED: String(missed) });
    this.#running.add(running);
    await running;
    this.#running.delete(running);
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #run(variables: Readonly<Record<string, string>>): Promise<void> {
    const { env, cwd, log } = this.#context;
    const [program, ...args] = this.#argv;
    const child = spawn(program, args, { cwd, env: { ...env, ...variables }, stdio: ['ignore', 2, 2] });
    const limit = timeLimit(LIMIT_MS, this.#stopping.signal);
    let killer: NodeJS.Timeout | undefined;
    const end = (): void => {
      child.kill('SIGTERM');
      killer = setTimeout(() => child.kill('SIGKILL'), HEED_MS);
    };
    limit.signal.addEventListener('abort', end, { once: true });
    if (limit.signal.aborted) end();
    try {
      const [code, signal] = await once(child, 'exit');
      if (code !== 0) log.warn(`--exec: ${program} ended with ${code === null ? signal : `exit code ${code}`}`);
    } catch (error) {
      log.warn(`--exec: ${messageOf(error)}`);
    } finally {
      limit.signal.removeEventListener('abort', end);
      limit.end();
      clearTimeout(killer);
    }
  }
}

function wordsOf(line: string): readonly string[] {
  const entries = parse(line, (name) => ({ op: `$${name}` }));
  const special = entries.find((entry) => typeof entry !== 'string');
  if (special === undefined) return entries.filter((entry) => typeof entry === 'string');
  const what = 'pattern' in special ? special.pattern : 'op' in special ? special.op : '#';
  throw new UsageError(`--exec: ${what} needs a shell: quote it, or give sh -c '...': ${line}`);
}
