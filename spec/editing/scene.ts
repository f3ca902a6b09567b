import { existsSync, readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { project, ROOT, RunningNetwork } from '../network/running.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { Editor } from './editor.js';

/** Sends a number every 5 ms until a file says stop, and writes down what `send` has confirmed. */
const SOURCE = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { participant } from 'msgflo';
export default participant({
  component: 'Source',
  outports: { out: {} },
  async produce({ send, signal }) {
    for (let n = 1; !signal.aborted; n += 1) {
      if (existsSync('stop')) { await delay(20); continue; }
      await send('out', process.pid + '-' + n);
      appendFileSync('confirmed', process.pid + '-' + n + '\\n');
      await delay(5);
    }
  },
});
`;

/** Takes its time, so that it always has some in hand. */
const WORK = `
import { setTimeout as delay } from 'node:timers/promises';
import { participant } from 'msgflo';
export default participant({
  component: 'Work', prefetch: 20, inports: { in: {} }, outports: { out: {} },
  async process({ in: id }, { send }) { await delay(Math.random() * 30); await send('out', id); },
});
`;

/** Writes down what it is given, and when. */
const SINK = `
import { appendFileSync } from 'node:fs';
import { participant } from 'msgflo';
export default participant({
  component: 'Sink', prefetch: 20, inports: { in: {} },
  process({ in: id }) { appendFileSync('seen', id + ' ' + Date.now() + '\\n'); },
});
`;

/** Crashes the first time, refuses, or sends on, as it is told. */
const MOODY = `
import { existsSync, writeFileSync } from 'node:fs';
import { participant } from 'msgflo';
export default participant({
  component: 'Moody', inports: { in: {} }, outports: { out: {} },
  async process({ in: order }, { send }) {
    if (order === 'crash' && !existsSync('crashed')) {
      writeFileSync('crashed', '');
      process.exit(7);
    }
    if (order === 'refuse') throw new Error('not with me');
    await send('out', order);
  },
});
`;

export const COMPONENTS = { 'Source.js': SOURCE, 'Work.js': WORK, 'Sink.js': SINK, 'Moody.js': MOODY };

/** On what a spec runs; none is the broker that comes with msgflo. */
export const BROKERS: Readonly<Record<string, () => Promise<string | undefined>>> = {
  'the embedded broker': async () => undefined,
  RabbitMQ: async () => (await sharedRabbit()).url,
  Mosquitto: async () => (await sharedMosquitto()).url,
};

/** The components of a test that knows `Repeat`, `Drop` and `Output`. */
export const FBP_SUITE = join(ROOT, 'spec/compat/fbp-suite/fixtures');

/** Long enough for a machine that does much else. */
const LIMIT_MS = 30_000;

let scenes = 0;
/** Role names that no other test uses: brokers are shared. */
export function uniqueRole(name: string): string {
  scenes += 1;
  return `${name}e${process.pid}x${scenes}`;
}

export interface SceneOptions {
  readonly broker?: string | undefined;
  readonly args?: readonly string[];
  /** By file name. @default those above */
  readonly components?: Readonly<Record<string, string>>;
  /** The file that the graph is in; null for a msgflo that is given none. @default main.fbp */
  readonly file?: string | null;
  readonly env?: Readonly<Record<string, string>>;
  /** A folder whose content is laid over the project. */
  readonly overlay?: string;
}

/** A project in a folder of its own, msgflo running in it, and the editors that look at it. */
export class Scene {
  readonly folder: string;
  readonly #options: SceneOptions;
  readonly #editors: Editor[] = [];
  #network: RunningNetwork;

  private constructor(folder: string, options: SceneOptions, network: RunningNetwork) {
    this.folder = folder;
    this.#options = options;
    this.#network = network;
  }

  /** @param graph text of the graph file */
  static async make(graph: string, options: SceneOptions = {}): Promise<Scene> {
    const folder = await project('', options.components ?? COMPONENTS);
    if (options.overlay !== undefined) await cp(options.overlay, folder, { recursive: true });
    const { file = 'main.fbp' } = options;
    if (file !== null) await writeFile(join(folder, file), graph);
    const scene = new Scene(folder, options, await launch(folder, options));
    await scene.network.says('msgflo started on ');
    return scene;
  }

  get network(): RunningNetwork {
    return this.#network;
  }

  get address(): string {
    return /msgflo started on (\S+)/.exec(this.#network.output)?.[1] ?? '';
  }

  /** Ends msgflo and starts it again in the same folder. */
  async restart(): Promise<void> {
    await this.#network.stop();
    this.#network = await launch(this.folder, this.#options);
    await this.#network.says('msgflo started on ');
  }

  async editor(options: Parameters<typeof Editor.open>[1] = {}): Promise<Editor> {
    const editor = await Editor.open(this.address, options);
    this.#editors.push(editor);
    return editor;
  }

  /** Kills the coordinator with -9 and waits until there is another. */
  async killCoordinator(): Promise<void> {
    const back = this.#network.output.split('the coordinator is back on ').length;
    this.kill('msgflo-coordinator', 'SIGKILL');
    await this.says('the coordinator is back on ', back);
  }

  /** @throws {Error} when no process's command line holds `words` */
  kill(words: string, signal: NodeJS.Signals): void {
    const [row] = this.#network.children(words);
    if (!row) throw new Error(`no process like '${words}' below msgflo`);
    process.kill(row.pid, signal);
  }

  /** Lines of a file that participants write. */
  lines(file: string): readonly string[] {
    const path = join(this.folder, file);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  }

  /** What the sink has been given, in order, repetitions among it. */
  get seen(): readonly string[] {
    return this.lines('seen').map((line) => line.split(' ')[0] ?? '');
  }

  /** Sent and confirmed, and not seen so far. */
  get missing(): readonly string[] {
    const seen = new Set(this.seen);
    return this.lines('confirmed').filter((id) => !seen.has(id));
  }

  /** What is missing, in words, for whoever looks into it. */
  get lost(): string {
    const { missing } = this;
    return `${missing.length} of ${this.lines('confirmed').length}: ${missing.slice(0, 3)} ... ${missing.slice(-3)}`;
  }

  get duplicates(): number {
    return this.seen.length - new Set(this.seen).size;
  }

  /** The longest time between two that the sink was given, in ms. */
  get longestGapMs(): number {
    const times = this.lines('seen').map((line) => Number(line.split(' ')[1]));
    return Math.max(0, ...times.slice(1).map((ms, n) => ms - (times[n] ?? ms)));
  }

  /** Waits until the sink was given so many more. */
  async flows(count = 20): Promise<void> {
    const before = this.seen.length;
    await this.until(() => this.seen.length >= before + count);
  }

  /** Has the sources pause, and waits until nothing is missing. */
  async settles(): Promise<void> {
    await writeFile(join(this.folder, 'stop'), '');
    await this.until(() => this.missing.length === 0);
  }

  /** Waits until msgflo's output holds `words` so many times. */
  async says(words: string, times = 1): Promise<void> {
    await this.until(() => this.#network.output.split(words).length > times);
  }

  /** Waits for a condition. @throws {Error} with what was said last when 30 s pass, or msgflo ends, before */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (const endMs = performance.now() + LIMIT_MS; !(await condition()); await delay(20)) {
      const { output, keeper } = this.#network;
      if (performance.now() < endMs && keeper.exitCode === null) continue;
      throw new Error(`not so in time: ${condition}; missing ${this.lost}\n${output.slice(-3000)}`);
    }
  }

  /** What a strict `fbp-client` would have called a protocol error in what the editors were told. */
  get protocolErrors(): readonly string[] {
    return this.#editors.flatMap(({ protocolErrors }) => protocolErrors);
  }

  /** Ends everything and removes the folder; nothing that any editor was told may have been against the protocol. */
  async end(): Promise<void> {
    await Promise.all(this.#editors.map((editor) => editor.close()));
    await this.#network.remove();
    expect(this.protocolErrors).to.deep.equal([]);
  }
}

function launch(folder: string, { broker, args, file = 'main.fbp', env = {} }: SceneOptions): Promise<RunningNetwork> {
  return RunningNetwork.start(folder, broker, args, { graph: file, env });
}
