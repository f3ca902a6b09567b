import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../errors.js';
import { editsBetween, type Graph, type GraphPositions, sameGraph } from '../graph/index.js';
import { type Logger, Semaphore } from '../support/index.js';
import { GraphConflictError, GraphFileError, NoGraphFileError } from './errors.js';
import { noFile } from './notation.js';
import { OutsideWatch } from './outside-watch.js';
import { positionsByName } from './positions.js';
import { type OutsideChange, SharedGraph } from './shared-graph.js';
import { linesOf, StandingProblems } from './standing-problems.js';
import { type LiveGraph, StateFile, type StoredState } from './state-file.js';
import { TrackedFile } from './tracked-file.js';

export interface GraphFileOptions {
  /** A .fbp or .json file; absent where msgflo runs without one. */
  readonly path?: string | undefined;
  /** A file of our own for what is wanted right now. */
  readonly statePath: string;
  /** Names the life of the keeper: what a coordinator of the same one left is taken over. @default nothing is */
  readonly run?: string | undefined;
  /** Edits are written to the graph file by themselves, not by `persist` alone. */
  readonly autoSave: boolean;
  /** Problems are said here too. */
  readonly log: Logger;
}

/** How often a file is tried that others write at the same time. */
const MAX_TRIES = 20;
const MAX_PAUSE_MS = 300;

/**
 * The graph of a running network on disk.
 *
 * A graph file that is deleted while the network runs is no empty graph: the network goes on as it is, and that is said.
 * With `autoSave` the next edit of the graph writes the file anew, comments and all; without, `persist` does.
 * A file that cannot be read, or is no graph, is never written over: somebody is at work in it.
 */
export class GraphFile {
  readonly isRestored: boolean;
  readonly #isAutoSaved: boolean;
  readonly #file: TrackedFile | undefined;
  readonly #state: StateFile;
  readonly #shared: SharedGraph;
  readonly #problems: StandingProblems;
  readonly #listeners: ((change: OutsideChange) => void)[] = [];
  readonly #watch: OutsideWatch | undefined;
  /** What was wanted before the changes of others that nobody listened to yet. */
  #untold: Graph | undefined;
  /** One pass over the files at a time. */
  readonly #turn = new Semaphore(1);
  #live: LiveGraph;
  /** The graph file was deleted and nothing was edited since. */
  #isDeleted = false;
  #isDue = false;
  #running: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    { autoSave, log }: GraphFileOptions,
    { file, state, stored }: { readonly file?: TrackedFile; readonly state: StateFile; readonly stored?: StoredState },
  ) {
    this.#isAutoSaved = autoSave;
    this.#file = file;
    this.#state = state;
    this.#problems = new StandingProblems(log);
    this.isRestored = stored !== undefined;
    const graph = file?.document?.graph ?? noFile().graph;
    this.#live = stored?.live ?? { graph, isStarted: true };
    const base = stored?.base ?? graph;
    this.#shared = new SharedGraph({ base, ours: this.#live.graph, theirs: base });
    if (!file) return;
    const onPoll = (): void => void this.#poll(file);
    this.#watch = new OutsideWatch({ onHint: () => this.#start(), onPoll, log });
    this.#take(file);
  }

  /**
   * Reads both files and, where the state is of this very run, merges them.
   * @throws {UsageError} when the graph file cannot be read
   * @throws {GraphSyntaxError | GraphInvalidError} naming file and line. None of these where the state is of this run: the
   *   network runs already, so it is told as a problem
   */
  static async open(options: GraphFileOptions): Promise<GraphFile> {
    const { path, statePath, run, log } = options;
    const state = new StateFile({ path: statePath, run, log });
    const stored = await state.load();
    const file = path === undefined ? undefined : await TrackedFile.open(path);
    if (!stored) file?.assertGraph();
    const opened = new GraphFile(options, { state, ...(file && { file }), ...(stored && { stored }) });
    opened.#untold = undefined; // what was merged until now is what `live` begins with
    opened.#start();
    return opened;
  }

  /** What is wanted. At open: what the file says or, restored, what was wanted merged with it; then as put, or merged. */
  get live(): LiveGraph {
    return this.#live;
  }

  /** Of the graph file as it is known; parts of the live graph are found by name too. */
  get positions(): GraphPositions {
    return positionsByName(this.#file?.document ?? noFile());
  }

  /** What is wanted changed: written soon, what comes together in one. After `close` nothing happens. */
  put(live: LiveGraph): void {
    if (this.#closing) return;
    if (this.#isDeleted && !sameGraph(live.graph, this.#live.graph)) this.#isDeleted = false;
    this.#live = live;
    this.#shared.edit(live.graph);
    this.#start();
  }

  /**
   * Writes the graph file now, if it does not say what is wanted.
   * @throws {NoGraphFileError | GraphConflictError}
   * @throws {GraphNotWritableError} where .fbp cannot say it
   * @throws {GraphFileError} where the file, or the disk, does not take it
   */
  async persist(): Promise<void> {
    const file = this.#file;
    if (!file) throw new NoGraphFileError();
    if (this.#closing) throw new GraphFileError(file.path, 'it cannot be saved any more: msgflo is stopping');
    await this.#turn.run(() => this.#pass(true));
    this.#problems.clear('save', `${file.path}: it is saved`);
  }

  /**
   * Tells what others changed in the graph file, once it is merged, never within a call of this class. The first listener
   * is told, soon, also of what changed since `open`.
   */
  onOutside(listener: (change: OutsideChange) => void): void {
    this.#listeners.push(listener);
    if (this.#untold) this.#start();
  }

  /** One line each, when it comes up and when it is over; what stands already is told at once. */
  onProblem(listener: (message: string) => void): void {
    this.#problems.subscribe(listener);
  }

  /** Resolves when all that was put is on disk, or was said to be impossible. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Writes what is left to write. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#watch?.close();
    this.#isDue = true;
    this.#running ??= this.#run();
    await this.settled();
  }

  async #poll(file: TrackedFile): Promise<void> {
    if (!this.#running && (await file.mayHaveChanged())) this.#start();
  }

  #start(): void {
    if (this.#closing) return;
    this.#isDue = true;
    this.#running ??= this.#run();
  }

  /** Goes on until nothing is due. Never fails. */
  async #run(): Promise<void> {
    await nextTurn(); // edits of one turn of the event loop are written as one
    while (this.#isDue) {
      this.#isDue = false;
      const beganMs = performance.now();
      await this.#turn.run(() => this.#passAndTell());
      // A big graph is not written for each of many edits: half of the time is left for others.
      if (this.#isDue && this.#isAutoSaved && !this.#shared.isSame)
        await delay(Math.min(performance.now() - beganMs, MAX_PAUSE_MS));
    }
    this.#running = undefined;
  }

  async #passAndTell(): Promise<void> {
    try {
      if (await this.#pass(false)) this.#problems.clear('save', `${this.#file?.path}: it can be saved again`);
    } catch (error) {
      this.#problems.set('save', linesOf(error, this.#file?.path));
    }
  }

  /** @returns false where a problem of another kind keeps the graph from being saved */
  async #pass(isAsked: boolean): Promise<boolean> {
    const file = this.#file;
    this.#tellUntold();
    await this.#saveState();
    if (!file) return true;
    try {
      if (await file.look()) this.#take(file);
      else if (this.#shared.conflicts.length > 0) this.#merge(file, this.#shared.theirs);
      await this.#saveState();
      return isAsked || this.#isAutoSaved ? await this.#saveGraph(file, isAsked) : true;
    } finally {
      await this.#saveState();
    }
  }

  /** Acts on what the graph file says. */
  #take(file: TrackedFile): void {
    const { path, said } = file;
    this.#watch?.watch(file.places);
    this.#isDeleted = said.kind === 'missing';
    switch (said.kind) {
      case 'graph':
        this.#problems.clear('outside', `${path}: it can be read again`);
        this.#merge(file, said.graph);
        return;
      case 'refused':
        this.#problems.set('outside', said.lines);
        return;
      case 'missing': {
        const next = this.#isAutoSaved ? 'the next edit writes it anew' : 'it is written anew when the graph is saved';
        this.#shared.forgetConflicts();
        this.#problems.clear('conflict', `${path}: what was in conflict is gone`);
        this.#problems.set('outside', [`${path}: it was deleted; the network goes on, and ${next}`]);
      }
    }
  }

  #merge({ path }: TrackedFile, theirs: Graph): void {
    const change = this.#shared.merge(theirs);
    const { conflicts } = this.#shared;
    if (conflicts.length === 0) this.#problems.clear('conflict', `${path}: the conflict is over, and it can be saved`);
    else
      this.#problems.set(
        'conflict',
        conflicts.map((what) => `${path}: conflict, not saved until it is settled: ${what}`),
      );
    if (!change) return;
    if (this.#listeners.length === 0) this.#untold ??= this.#live.graph;
    this.#live = { ...this.#live, graph: change.graph };
    for (const listener of this.#listeners) listener(change);
  }

  #tellUntold(): void {
    const { graph } = this.#live;
    if (!this.#untold || this.#listeners.length === 0) return;
    const change = { graph, edits: editsBetween(this.#untold, graph) };
    this.#untold = undefined;
    for (const listener of this.#listeners) listener(change);
  }

  async #saveGraph(file: TrackedFile, isAsked: boolean): Promise<boolean> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { conflicts } = this.#shared;
      const obstacle = conflicts.length > 0 ? new GraphConflictError(file.path, conflicts) : file.refusal;
      if (obstacle && isAsked) throw obstacle;
      if (obstacle) return false; // a problem of another kind, which is said
      const isMissing = file.said.kind === 'missing';
      if (isMissing ? this.#isDeleted && !isAsked : this.#shared.isSame) return true;
      // The file never runs ahead of the state: after a crash that would look like an edit of somebody else.
      const graph = this.#shared.ours;
      await this.#saveState();
      if (await file.write(graph)) {
        this.#shared.agree(graph);
        this.#isDeleted = false;
        this.#problems.clear('outside', `${file.path}: it is written anew`);
        return true;
      }
      if (await file.look()) this.#take(file);
    }
    throw new GraphFileError(file.path, 'it cannot be saved: somebody else writes it all the time');
  }

  /** Without a state file the network runs all the same. */
  async #saveState(): Promise<void> {
    const { path } = this.#state;
    try {
      await this.#state.save({ live: this.#live, base: this.#shared.base });
      this.#problems.clear('state', `${path}: it is written again`);
    } catch (error) {
      const why = messageOf(error);
      this.#problems.set('state', [`${path}: it cannot be written, so edits would not survive a crash: ${why}`]);
    }
  }
}
