import { readFile, rename } from 'node:fs/promises';
import { messageOf } from '../errors.js';
import { type Graph, readJson, writeJson } from '../graph/index.js';
import { asRole, type Role } from '../names.js';
import { type Logger, removeLeftovers, writeFileAtomic } from '../support/index.js';

/** What is wanted, beyond the file: how clients name the graph, and whether its network is started. */
export interface LiveGraph {
  readonly graph: Graph;
  readonly graphId?: string;
  readonly isStarted: boolean;
  /** Roles of the graph that somebody else plays, whatever the project knows of their components. */
  readonly others?: readonly Role[];
}

export interface StoredState {
  readonly live: LiveGraph;
  /** What the graph file said when this was written, as far as it is agreed on. */
  readonly base: Graph;
}

type Fields = Readonly<Record<string, unknown>>;

/** The desired state on disk, for the next coordinator of the same run. */
export class StateFile {
  readonly path: string;
  readonly #run: string | undefined;
  readonly #log: Logger;
  /** Graphs are values: the JSON of one that is written again and again is made once. */
  readonly #json = new WeakMap<Graph, string>();

  #saved: StoredState | undefined;

  constructor({ path, run, log }: { readonly path: string; readonly run: string | undefined; readonly log: Logger }) {
    this.path = path;
    this.#run = run;
    this.#log = log;
  }

  /** What another coordinator of this run left. A file that makes no sense is put aside, and that is said. */
  async load(): Promise<StoredState | undefined> {
    await removeLeftovers(this.path);
    if (this.#run === undefined) return undefined;
    try {
      const stored = fields(JSON.parse(await readFile(this.path, 'utf8')));
      return stored.run === this.#run ? readState(stored, this.path) : undefined;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      this.#log.warn(`${this.path} cannot be read (${messageOf(error)}); it is kept as ${this.path}.bad`);
      await rename(this.path, `${this.path}.bad`).catch(() => undefined);
      return undefined;
    }
  }

  /** Atomic; nothing is done where the file says so already. @throws what the disk says */
  async save({ live, base }: StoredState): Promise<void> {
    if (this.#saved?.live === live && this.#saved.base === base) return;
    const { graph, graphId, isStarted, others } = live;
    const head = JSON.stringify({ version: 1, run: this.#run, graphId, isStarted, others });
    const graphs = `"graph":${this.#jsonOf(graph)}${base === graph ? '' : `,"base":${this.#jsonOf(base)}`}`;
    await writeFileAtomic(this.path, `${head.slice(0, -1)},${graphs}}\n`, 0o600);
    this.#saved = { live, base };
  }

  #jsonOf(graph: Graph): string {
    const json = this.#json.get(graph) ?? writeJson(graph).trimEnd();
    this.#json.set(graph, json);
    return json;
  }
}

function readState({ version, graphId, isStarted, others, graph, base = graph }: Fields, path: string): StoredState {
  if (version !== 1) throw new Error(`version ${JSON.stringify(version)} is not known`);
  if (typeof isStarted !== 'boolean') throw new Error('isStarted is neither true nor false');
  if (graphId !== undefined && typeof graphId !== 'string') throw new Error('graphId is no text');
  const live = {
    graph: readPart(graph, path),
    ...(graphId === undefined ? {} : { graphId }),
    isStarted,
    ...(Array.isArray(others) && { others: others.map((role) => asRole(String(role))) }),
  };
  return { live, base: readPart(base, path) };
}

const readPart = (part: unknown, path: string): Graph => readJson(JSON.stringify(fields(part)), { path }).graph;

function fields(value: unknown): Fields {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Fields;
  throw new Error('it holds no state');
}
