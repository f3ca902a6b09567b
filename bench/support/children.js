import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A Node process of a bench, ended with it. Without NODE_EXTRA_CA_CERTS, which slows the start and is not needed. */
export class Child {
  /**
   * @param {readonly string[]} argv script and arguments
   * @param {{ env?: Record<string, string>, cwd?: string }} [options]
   */
  constructor(argv, { env = {}, cwd } = {}) {
    const { NODE_EXTRA_CA_CERTS: _slow, ...inherited } = process.env;
    this.said = '';
    this.process = spawn(process.execPath, argv, {
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    const keep = (/** @type {Buffer} */ chunk) => {
      this.said = (this.said + chunk.toString()).slice(-4000);
    };
    this.process.stdout?.on('data', keep);
    this.process.stderr?.on('data', keep);
  }

  get isRunning() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  get pid() {
    return this.process.pid ?? 0;
  }

  /** Asks it to end, and makes it after `graceMs`. */
  async stop(graceMs = 8000) {
    if (!this.isRunning) return;
    const gone = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const late = setTimeout(() => this.process.kill('SIGKILL'), graceMs);
    await gone;
    clearTimeout(late);
  }
}

/**
 * Asks again and again until `ask` gives something.
 * @template T
 * @param {() => T | undefined | Promise<T | undefined>} ask
 * @param {{ children?: readonly Child[], limitMs?: number, everyMs?: number, what: string }} options
 * @returns {Promise<T>}
 */
export async function until(ask, { children = [], limitMs = 120_000, everyMs = 50, what }) {
  const untilMs = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    const ended = children.find(({ isRunning }) => !isRunning);
    if (ended) throw new Error(`${what}: a process ended: ${ended.said}`);
    if (performance.now() > untilMs) {
      throw new Error(`${what}: nothing after ${limitMs} ms: ${children.map(({ said }) => said).join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
