import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { applyEdit, type Edit, type Graph, type Node, readGraph } from '../../src/graph/index.js';
import { GraphFile, type GraphFileOptions, type OutsideChange } from '../../src/graph-file/index.js';
import { asRole } from '../../src/names.js';
import { type Logger, silentLogger } from '../../src/support/index.js';

/** A graph file in a folder of its own, and everything that was said about it. */
export class Scene {
  readonly folder: string;
  readonly path: string;
  readonly statePath: string;
  readonly problems: string[] = [];
  readonly changes: OutsideChange[] = [];
  readonly logged: string[] = [];
  readonly #opened: GraphFile[] = [];

  private constructor(folder: string, name: string) {
    this.folder = folder;
    this.path = join(folder, name);
    this.statePath = join(folder, '.msgflo/graph-main.json');
  }

  static async make(name: string, text?: string): Promise<Scene> {
    const scene = new Scene(await mkdtemp(join(tmpdir(), 'msgflo-graph-')), name);
    if (text !== undefined) await writeFile(scene.path, text);
    return scene;
  }

  async open(options: Partial<GraphFileOptions> = {}): Promise<GraphFile> {
    const push = (text: string): void => void this.logged.push(text);
    const log: Logger = { ...silentLogger, info: push, warn: push };
    const { path, statePath } = this;
    const file = await GraphFile.open({ path, statePath, autoSave: true, log, ...options });
    this.#opened.push(file);
    file.onProblem((message) => this.problems.push(message));
    file.onOutside((change) => this.changes.push(change));
    return file;
  }

  text(path = this.path): Promise<string> {
    return readFile(path, 'utf8');
  }

  /** What the graph file says. */
  async graph(): Promise<Graph> {
    return readGraph(await this.text(), { path: this.path }).graph;
  }

  write(text: string): Promise<void> {
    return writeFile(this.path, text);
  }

  /** As editors save: beside, then renamed. */
  async replace(text: string): Promise<void> {
    await writeFile(`${this.path}~`, text);
    await rename(`${this.path}~`, this.path);
  }

  async end(): Promise<void> {
    for (const file of this.#opened) await file.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Waits for a condition; gives up before mocha does. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited too long for: ${condition}`);
    await delay(10);
  }
}

export const node = (role: string, component = 'Comp'): Node => ({ role: asRole(role), component });
export const addNode = (role: string, component?: string): Edit => ({ do: 'add-node', node: node(role, component) });
export const removeNode = (role: string): Edit => ({ do: 'remove-node', role: asRole(role) });
export const setKey = (role: string, key: string, value: unknown): Edit => ({
  do: 'change-node',
  role: asRole(role),
  metadata: { [key]: value },
});

export const edited = (graph: Graph, ...edits: readonly Edit[]): Graph =>
  edits.reduce((now, edit) => applyEdit(now, edit).graph, graph);

/** As an editor over the protocol does it. */
export function edit(file: GraphFile, ...edits: readonly Edit[]): void {
  file.put({ ...file.live, graph: edited(file.live.graph, ...edits) });
}

export const rolesOf = ({ nodes }: Graph): readonly string[] => nodes.map(({ role }) => role).sort();

export const keyOf = (graph: Graph, role: string, key: string): unknown =>
  graph.nodes.find((one) => one.role === role)?.metadata?.[key];
