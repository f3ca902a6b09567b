import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Coordinator, type Launcher } from '../../src/coordinator/index.js';
import { type EdgeEnd, type Edit, type Graph, readFbp } from '../../src/graph/index.js';
import { loadLibrary } from '../../src/library/index.js';
import { asPortName, asRole } from '../../src/names.js';
import { type Component, type Participant, participant } from '../../src/participant/index.js';
import type { OutputLine, ProcessSpec, ProcessState } from '../../src/process/index.js';
import type { NetworkEvent } from '../../src/protocol/index.js';
import type { GraphStore, LiveGraph, Relay } from '../../src/runtime/index.js';
import { Project, Runtime } from '../../src/runtime/index.js';
import { silentLogger } from '../../src/support/index.js';
import { Network, until } from '../participant/network.js';

export const graphOf = (text: string): Graph => readFbp(text, { path: 'main.fbp' }).graph;

/** `a.out` or `a.out[1]`. */
export function end(text: string): EdgeEnd {
  const [, role = '', port = '', index] = /^(.*)\.([^.[]+)(?:\[(\d+)\])?$/.exec(text) ?? [];
  return { role: asRole(role), port: asPortName(port), ...(index === undefined ? {} : { index: Number(index) }) };
}

/** `a.out -> b.in` */
export function edge(text: string): { readonly from: EdgeEnd; readonly to: EdgeEnd } {
  const [from = '', to = ''] = text.split(' -> ');
  return { from: end(from), to: end(to) };
}

export const addNode = (role: string, component: string): Edit => ({
  do: 'add-node',
  node: { role: asRole(role), component },
});
export const addEdge = (text: string): Edit => ({ do: 'add-edge', edge: edge(text) });
export const removeEdge = (text: string): Edit => ({ do: 'remove-edge', ...edge(text) });

/** Passes on what it gets; what is 'bad' is refused. */
export const repeat: Component = participant({
  component: 'Repeat',
  icon: 'forward',
  inports: { in: { description: 'anything' } },
  outports: { out: {} },
  process({ in: data }, { send }) {
    if (data === 'bad') throw new Error('this is bad');
    return send('out', data);
  },
});

/** Keeps what it gets in `got`. */
export function keep(got: unknown[]): Component {
  return participant({ component: 'Keep', inports: { in: {} }, process: ({ in: data }) => void got.push(data) });
}

/** Runs participants in this process, and has them crash when it is told to. */
export class InProcess implements Launcher {
  readonly started: string[] = [];
  /** What processes still have in hand when they are stopped. */
  inHand: Promise<void> = Promise.resolve();
  readonly #network: Network;
  readonly #components: Readonly<Record<string, Component>>;
  readonly #running = new Map<string, { readonly spec: ProcessSpec; readonly participant: Participant | undefined }>();
  readonly #changes: ((state: ProcessState) => void)[] = [];
  readonly #outputs: ((line: OutputLine) => void)[] = [];

  /** @param components by the name of their file */
  constructor(network: Network, components: Readonly<Record<string, Component>>) {
    this.#network = network;
    this.#components = components;
  }

  async list(): Promise<readonly ProcessState[]> {
    return [...this.#running.values()].map(({ spec }) => stateOf(spec, 'running'));
  }

  async start(spec: ProcessSpec): Promise<void> {
    await this.#end(spec.key);
    const file = spec.argv.find((word) => word.startsWith('participants/'));
    const component = this.#components[file?.replace(/^participants\/|\.js$/g, '') ?? ''];
    this.started.push(spec.key);
    this.tell(spec, 'running');
    const running = component && (await this.#network.start(component, spec.role));
    this.#running.set(spec.key, { spec, participant: running });
  }

  async stop(key: string): Promise<void> {
    await this.inHand;
    const spec = await this.#end(key);
    if (spec) this.tell(spec, 'stopped');
  }

  /** The process is gone, with these last words. */
  async crash(key: string, stderrTail: readonly string[]): Promise<void> {
    const spec = await this.#end(key);
    if (spec) this.tell(spec, 'backoff', { lastExit: { code: 3, signal: null, atMs: 0 }, stderrTail });
  }

  print(line: OutputLine): void {
    for (const handler of this.#outputs) handler(line);
  }

  tell(
    spec: Pick<ProcessSpec, 'key' | 'role'>,
    status: ProcessState['status'],
    more: Partial<ProcessState> = {},
  ): void {
    for (const handler of this.#changes) handler({ ...stateOf(spec, status), ...more });
  }

  onChange(handler: (state: ProcessState) => void): void {
    this.#changes.push(handler);
  }

  onOutput(handler: (line: OutputLine) => void): void {
    this.#outputs.push(handler);
  }

  async #end(key: string): Promise<ProcessSpec | undefined> {
    const running = this.#running.get(key);
    this.#running.delete(key);
    await running?.participant?.stop();
    return running?.spec;
  }
}

function stateOf({ key, role }: Pick<ProcessSpec, 'key' | 'role'>, status: ProcessState['status']): ProcessState {
  return { key, role, status, restarts: 0 };
}

/** Keeps the graph in memory. */
export class MemoryStore implements GraphStore {
  live: LiveGraph;
  persisted = 0;
  #outside: Parameters<GraphStore['onOutside']>[0] = () => undefined;
  #problem: (message: string) => void = () => undefined;

  constructor(live: LiveGraph) {
    this.live = live;
  }

  put(live: LiveGraph): void {
    this.live = live;
  }

  async persist(): Promise<void> {
    this.persisted += 1;
  }

  onOutside(listener: Parameters<GraphStore['onOutside']>[0]): void {
    this.#outside = listener;
  }

  onProblem(listener: (message: string) => void): void {
    this.#problem = listener;
  }

  /** Somebody else edits the file. */
  editOutside(change: { readonly graph: Graph; readonly edits: readonly Edit[] }): void {
    this.live = { ...this.live, graph: change.graph };
    this.#outside(change);
  }

  fail(message: string): void {
    this.#problem(message);
  }
}

interface SceneOptions {
  readonly isStarted?: boolean;
  readonly components?: Readonly<Record<string, Component>>;
  /** Files of the project. Those of Repeat and Keep are always there. */
  readonly files?: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly relay?: Relay;
}

const COMPONENTS = { 'participants/Repeat.js': '', 'participants/Keep.js': '' };

/** A runtime over a real coordinator and participants in this process. */
export class Scene {
  readonly network: Network;
  readonly runtime: Runtime;
  readonly coordinator: Coordinator;
  readonly launcher: InProcess;
  readonly store: MemoryStore;
  readonly folder: string;
  /** What participants of the component Keep got. */
  readonly kept: unknown[];
  /** All that clients were told, except of states. */
  readonly told: NetworkEvent[] = [];

  private constructor(
    parts: Pick<Scene, 'network' | 'runtime' | 'coordinator' | 'launcher' | 'store' | 'folder' | 'kept'>,
  ) {
    ({ network: this.network, runtime: this.runtime, coordinator: this.coordinator } = parts);
    ({ launcher: this.launcher, store: this.store, folder: this.folder, kept: this.kept } = parts);
    this.runtime.subscribe((event) => {
      if (event.kind !== 'states') this.told.push(event);
    });
  }

  static async open(text: string, options: SceneOptions = {}): Promise<Scene> {
    const { isStarted = true, components = {}, files = {}, file, relay } = options;
    const kept: unknown[] = [];
    const network = await Network.open();
    const folder = await mkdtemp(join(tmpdir(), 'msgflo-runtime-'));
    for (const [path, content] of Object.entries({ ...COMPONENTS, ...files })) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    const load = () => loadLibrary({ baseDir: folder });
    const launcher = new InProcess(network, { Repeat: repeat, Keep: keep(kept), ...components });
    const project = new Project({ library: await load(), load, launch: { broker: network.address, run: 'r1' } });
    const broker = await network.registry.open(network.address, { id: 'coordinator' }, silentLogger);
    await broker.connect();
    const graph = graphOf(text);
    const coordinator = new Coordinator({
      graph,
      isStarted,
      broker,
      launcher,
      launches: (one) => project.launchesOf(one).launches,
      run: 'r1',
      log: silentLogger,
    });
    const store = new MemoryStore({ graph, isStarted });
    const runtime = new Runtime({
      id: 'a-runtime',
      coordinator,
      project,
      store,
      log: silentLogger,
      ...(file === undefined ? {} : { file }),
      ...(relay === undefined ? {} : { relay }),
    });
    const scene = new Scene({ network, runtime, coordinator, launcher, store, folder, kept });
    await coordinator.start();
    network.own(async () => {
      runtime.close();
      await coordinator.stop();
      await broker.close();
    });
    return scene;
  }

  async close(): Promise<void> {
    await this.network.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Every node is live and every edge bound. */
  async complete(): Promise<void> {
    await until(() => this.coordinator.isIdle && this.coordinator.report().isComplete);
  }

  ofKind<K extends NetworkEvent['kind']>(kind: K): Extract<NetworkEvent, { kind: K }>[] {
    return this.told.filter((event): event is Extract<NetworkEvent, { kind: K }> => event.kind === kind);
  }
}
