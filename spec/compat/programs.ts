import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { project, ROOT, RunningNetwork } from '../network/running.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';

const OFTEN = { MSGFLO_DISCOVERY_PERIOD: '1' };

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

  /** A module run by the runner of the package msgflo-nodejs. */
  static old(role: string, file: string, broker: string, env: NodeJS.ProcessEnv): Program {
    return Program.start([OLD_RUNNER, '--name', role, '--broker', broker, file], { env });
  }

  /** The same module run by ours. @param place URL of a broker, or a folder whose embedded broker it joins */
  static ours(role: string, file: string, place: string): Program {
    const where = place.includes('://') ? ['--broker', place] : [];
    const cwd = place.includes('://') ? ROOT : place;
    return Program.start([join(ROOT, 'bin/msgflo-participant.js'), '--name', role, ...where, file], {
      env: OFTEN,
      cwd,
    });
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

export const OLD_RUNNER = join(ROOT, 'node_modules/.bin/msgflo-nodejs');
export const fixturePath = (name: string): string => join(import.meta.dirname, 'fixtures', name);

/** The brokers at which programs of both kinds can meet. */
export const brokers = {
  RabbitMQ: async () => (await sharedRabbit()).url,
  Mosquitto: async () => (await sharedMosquitto()).url,
};

/** Sends 1, 2, 3 ... for as long as it lives. */
const TICK = `
import { setTimeout as delay } from 'node:timers/promises';
import { participant } from 'msgflo';
export default participant({
  component: 'Tick',
  outports: { out: {} },
  async produce({ send, signal }) {
    for (let n = 1; !signal.aborted; n += 1) { await send('out', n); await delay(20, undefined, { signal }).catch(() => {}); }
  },
});
`;

let prefixes = 0;

/** What one test starts: networks of ours and programs of others, under role names of its own, since brokers are shared. */
export class Stage {
  /** URL of the broker; empty for the embedded one. */
  readonly broker: string;
  /** In front of all roles. */
  readonly p: string;
  readonly #programs: Program[] = [];
  readonly #networks: RunningNetwork[] = [];

  constructor(broker: string) {
    prefixes += 1;
    this.broker = broker;
    this.p = `c${process.pid}x${prefixes}-`;
  }

  /** Runs `msgflo` on a graph, but not the roles in `ignored`. @param library components and their commands */
  async network(
    graph: string,
    ignored: readonly string[],
    library: Readonly<Record<string, string>> = {},
  ): Promise<RunningNetwork> {
    const ignore = ignored.flatMap((role) => ['--ignore', `${this.p}${role}`]);
    const folder = await project(graph, { 'Tick.js': TICK });
    await writeFile(join(folder, 'library.json'), JSON.stringify({ components: library }));
    const args = [...ignore, '--library', 'library.json'];
    const network = await RunningNetwork.start(folder, this.broker, args);
    this.#networks.push(network);
    return network;
  }

  /**
   * A module run by the runner of the package msgflo-nodejs, announced twice a second or just once. Resolves when it is
   * connected.
   */
  async old(role: string, fixture: string, { once }: { readonly once?: true } = {}): Promise<Program> {
    const env = once ? { MSGFLO_DISCOVERY_PERIOD: '600' } : OFTEN;
    return this.#started(Program.old(`${this.p}${role}`, fixturePath(fixture), this.broker, env));
  }

  /** The same module run by ours; it may join the embedded broker that runs in `cwd`. */
  async ours(role: string, fixture: string, { cwd }: { readonly cwd?: string } = {}): Promise<Program> {
    return this.#started(Program.ours(`${this.p}${role}`, fixturePath(fixture), cwd ?? this.broker));
  }

  /** Has it killed at the end. */
  add(program: Program): Program {
    this.#programs.push(program);
    return program;
  }

  async #started(program: Program): Promise<Program> {
    this.add(program);
    await program.says('connected to');
    return program;
  }

  async end(): Promise<void> {
    await Promise.all(this.#networks.map((network) => network.remove()));
    await Promise.all(this.#programs.map((program) => program.kill()));
  }
}

/** Numbers that came twice, or that are missing between the first and the last, among those in `lines`. */
export function irregular(text: string, pattern: RegExp): readonly string[] {
  const numbers = [...text.matchAll(pattern)].map(([, n]) => Number(n));
  return numbers.flatMap((n, at) => {
    const before = numbers[at - 1] ?? 0;
    return n === before + 1 ? [] : [`${n} after ${before}`];
  });
}
