import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT } from '../network/running.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';

/** A process of its own that takes part in a network, and what it has said. */
export class Program {
  readonly child: ChildProcess;
  /** stdout and stderr, in order of arrival. */
  output = '';

  private constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  static start(argv: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}) {
    const { MSGFLO_BROKER: _broker, CLOUDAMQP_URL: _cloud, ...env } = process.env;
    const child = spawn(process.execPath, argv, {
      cwd: options.cwd ?? ROOT,
      env: { ...env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Program(child);
  }

  /** A module run by the runner of the package msgflo-nodejs; it announces itself twice a second. */
  static old(role: string, fixture: string, broker: string): Program {
    const runner = join(ROOT, 'node_modules/.bin/msgflo-nodejs');
    const env = { MSGFLO_DISCOVERY_PERIOD: '1' };
    return Program.start([runner, '--name', role, '--broker', broker, fixturePath(fixture)], { env });
  }

  /** The same module run by ours. */
  static ours(role: string, fixture: string, broker: string, cwd = ROOT): Program {
    const runner = join(ROOT, 'bin/msgflo-participant.js');
    const env = { MSGFLO_DISCOVERY_PERIOD: '1' };
    return Program.start([runner, '--name', role, '--broker', broker, fixturePath(fixture)], { cwd, env });
  }

  /** Resolves when it has said `words`. */
  async says(words: string): Promise<void> {
    await this.until(() => this.output.includes(words));
  }

  /** Waits for a condition; fails with all that was said when the process ends before. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { exitCode, signalCode } = this.child;
      if (exitCode !== null || signalCode !== null)
        throw new Error(`it ended (${exitCode ?? signalCode}):\n${this.output}`);
      await delay(10);
    }
  }

  /** The last number after `<role> got`, or 0. */
  get lastGot(): number {
    return Number(
      this.output
        .match(/got \d+/g)
        ?.at(-1)
        ?.slice(4) ?? 0,
    );
  }

  /** SIGKILL. Resolves when it is gone; idempotent. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

export const fixturePath = (name: string): string => join(import.meta.dirname, 'fixtures', name);

/** The brokers at which programs of both kinds can meet. */
export const brokers: Readonly<Record<string, () => Promise<string>>> = {
  RabbitMQ: async () => (await sharedRabbit()).url,
  Mosquitto: async () => (await sharedMosquitto()).url,
};

let prefixes = 0;
/** In front of all roles of one test: the brokers are shared. */
export function newPrefix(): string {
  prefixes += 1;
  return `c${process.pid}x${prefixes}-`;
}

/** Numbers that came twice, or that are missing between the first and the last, among those in `lines`. */
export function irregular(text: string, pattern: RegExp): readonly string[] {
  const numbers = [...text.matchAll(pattern)].map(([, n]) => Number(n));
  return numbers.flatMap((n, at) => {
    const before = numbers[at - 1] ?? 0;
    return n === before + 1 ? [] : [`${n} after ${before}`];
  });
}
