import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { basename, dirname, resolve } from 'node:path';
import { Backoff, isRecord, programOf, within } from '../../support/index.js';
import type { NodeReport, NodeSettings } from '../server/node-settings.js';
import { LogCallError } from './errors.js';

const RESTART_MIN_MS = 50;
const RESTART_MAX_MS = 5000;
const STOP_MS = 10_000;

/** A node in a process of its own. It is started again when it crashes, and ends when this process does. */
export class NodeProcess {
  /** Where it listens; the same after a restart. */
  readonly address: string;
  readonly #settings: NodeSettings;
  readonly #backoff = new Backoff(RESTART_MIN_MS, RESTART_MAX_MS);
  #child: ChildProcess;
  #again: NodeJS.Timeout | undefined;
  #isStopping = false;

  private constructor(settings: NodeSettings, child: ChildProcess, address: string) {
    this.address = address;
    this.#settings = { ...settings, address };
    this.#child = child;
    this.#watch(child);
  }

  /** Resolves when it listens. @throws {LogCallError} why it does not */
  static async start(settings: NodeSettings): Promise<NodeProcess> {
    const { location } = settings;
    // By this folder it can be joined as a broker.
    const settled = location === undefined ? settings : { ...settings, dir: homeOf(location) };
    const child = forkNode(settled);
    const report = await reportOf(child);
    if ('failed' in report) throw new LogCallError(report.code, report.failed);
    return new NodeProcess(settled, child, report.address);
  }

  /** Undefined while it is being started again. */
  get pid(): number | undefined {
    return this.#child.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  /** Ends it in order: writes that it has taken are finished. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#again);
    if (this.pid === undefined) return;
    const exited = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect(); // the sign for it to end
    await within(exited, STOP_MS);
    if (this.pid === undefined) return;
    this.#child.kill('SIGKILL');
    await exited;
  }

  #watch(child: ChildProcess): void {
    child.once('exit', () => {
      if (this.#isStopping) return;
      this.#again = setTimeout(() => this.#restart(), this.#backoff.nextMs());
    });
  }

  #restart(): void {
    this.#child = forkNode(this.#settings);
    this.#watch(this.#child);
    reportOf(this.#child).then(
      (report) => {
        if ('address' in report) this.#backoff.reset();
      },
      () => undefined, // its end is what restarts it
    );
  }
}

/** The state folder of a project for the log in it, otherwise the log's own folder. */
function homeOf(location: string): string {
  const folder = resolve(location);
  return basename(folder) === 'log' && basename(dirname(folder)) === '.msgflo' ? dirname(folder) : folder;
}

/** In a group of its own: Ctrl-C at the terminal must not end it before its spawner has said goodbye. */
function forkNode(settings: NodeSettings): ChildProcess {
  const { path, execArgv } = programOf('embedded/main');
  return fork(path, [JSON.stringify(settings)], {
    execArgv: [...execArgv],
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

async function reportOf(child: ChildProcess): Promise<NodeReport> {
  return await new Promise((resolve, reject) => {
    const ended = (): void => reject(new LogCallError('node_ended', 'the process of the node ended while it started'));
    child.once('exit', ended).once('error', reject);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(readReport(message));
    });
  });
}

function readReport(message: unknown): NodeReport {
  if (isRecord(message) && typeof message['address'] === 'string') return { address: message['address'] };
  const { failed = '', code = 'unknown_error' } = isRecord(message) ? message : {};
  return { failed: String(failed), code: String(code) };
}
