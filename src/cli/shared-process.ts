import { permitsOfProcess } from '../participant/index.js';
import { isSharedOrder, SHARED_VARIABLE, type SharedEnd } from '../process/index.js';
import { createLogger } from '../support/index.js';
import { type CliContext, type CommandFactory, goOnWhenNobodyReads, run, runWith } from './command.js';

interface Running {
  readonly abort: AbortController;
  readonly over: Promise<void>;
}

/**
 * Runs a command as this process; or, in a process that a keeper has several specs share, each that it orders, until it is
 * told to end. An uncaught error of one ends all: the keeper starts them again.
 * @returns the exit code
 */
export async function runSharing(factory: CommandFactory, argv: readonly string[]): Promise<number> {
  if (!process.env[SHARED_VARIABLE] || !process.send) return run(factory, argv);
  return new SharedCommands(factory).run();
}

class SharedCommands {
  readonly #factory: CommandFactory;
  readonly #running = new Map<string, Running>();
  readonly #permits = permitsOfProcess();

  constructor(factory: CommandFactory) {
    this.#factory = factory;
  }

  /** Resolves when all have ended, after a signal or without a keeper. */
  async run(): Promise<number> {
    goOnWhenNobodyReads();
    process.on('message', (order) => {
      if (!isSharedOrder(order)) return;
      if (order.call === 'stop') this.#running.get(order.key)?.abort.abort(new Error('told to stop'));
      else this.#start(order.key, order.args, { ...process.env, ...order.env }, order.cwd);
    });
    await new Promise<void>((resolve) => {
      for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) process.once(event, () => resolve());
    });
    for (const { abort } of this.#running.values()) abort.abort(new Error('interrupted'));
    await Promise.all([...this.#running.values()].map(({ over }) => over));
    if (process.connected) process.disconnect();
    return 0;
  }

  #start(key: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd = process.cwd()): void {
    const abort = new AbortController();
    const said: string[] = [];
    const context: CliContext = {
      signal: abort.signal,
      env,
      cwd,
      log: createLogger('msgflo'),
      processPermits: this.#permits,
      print: (line) => process.stdout.write(`${line}\n`),
      complain: (line) => {
        said.push(line);
        process.stderr.write(`${line}\n`);
      },
    };
    // What is started again under the same key waits for the one before.
    const before = this.#running.get(key)?.over;
    const over = Promise.resolve(before)
      .then(() => runWith(this.#factory, args, context))
      .then((code) => {
        if (this.#running.get(key)?.abort === abort) this.#running.delete(key);
        const end: SharedEnd = { shared: 1, ended: key, code, said };
        if (process.connected) process.send?.(end);
      });
    this.#running.set(key, { abort, over });
  }
}
