import type { Graph } from '../graph/index.js';
import type { Role } from '../names.js';
import type { ProcessSpec } from '../process/index.js';
import { desiredOf } from './desired.js';
import type { Launch } from './launcher.js';
import { type Desired, NO_TAPS, type TapWish } from './state.js';

export interface WantedOptions {
  readonly graph: Graph;
  readonly isStarted: boolean;
  /** The processes of a graph. @throws {UsageError} for one that cannot be launched as it asks */
  readonly launches: (graph: Graph) => ReadonlyMap<Role, Launch>;
  readonly router?: ProcessSpec | undefined;
  readonly run?: string | undefined;
}

/** Edits within this time of each other are planned together, in ms: editors take an edge away before they add the next. */
const TOGETHER_MS = 500;
/** Whoever goes on editing sees what came of it after so long, in ms. */
const AT_MOST_MS = 3000;

/** What is wanted: edited at any time, settled as `desired` when the editing pauses. */
export class Wanted {
  readonly #options: WantedOptions;
  readonly #onSettled: () => void;
  #graph: Graph;
  #isStarted: boolean;
  #taps: TapWish = NO_TAPS;
  #launches: ReadonlyMap<Role, Launch>;
  #desired: Desired;
  #timer: NodeJS.Timeout | undefined;
  #firstAtMs: number | undefined;

  constructor(options: WantedOptions, onSettled: () => void) {
    this.#options = options;
    this.#onSettled = onSettled;
    this.#graph = options.graph;
    this.#isStarted = options.isStarted;
    this.#launches = options.launches(options.graph);
    this.#desired = this.#derive();
  }

  /** With the latest edits. */
  get graph(): Graph {
    return this.#graph;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** As it is to be made. */
  get desired(): Desired {
    return this.#desired;
  }

  /** No edit is left that is not in `desired`. */
  get isSettled(): boolean {
    return this.#timer === undefined;
  }

  /** The processes of the graph with the latest edits. */
  get launches(): ReadonlyMap<Role, Launch> {
    return this.#launches;
  }

  /** @throws as `launches`; nothing is changed then */
  setGraph(graph: Graph): void {
    this.#launches = this.#options.launches(graph);
    this.#graph = graph;
    const nowMs = performance.now();
    this.#firstAtMs ??= nowMs;
    clearTimeout(this.#timer);
    const inMs = Math.min(TOGETHER_MS, Math.max(0, this.#firstAtMs + AT_MOST_MS - nowMs));
    this.#timer = setTimeout(() => this.settle(), inMs);
  }

  setStarted(isStarted: boolean): void {
    this.#isStarted = isStarted;
    this.settle();
  }

  /** Does not settle edits: looking on changes nothing. */
  setTaps(taps: TapWish): void {
    this.#taps = taps;
    this.#desired = { ...this.#desired, taps };
    this.#onSettled();
  }

  /** The library has changed. @throws as `launches` */
  relaunch(): void {
    this.#launches = this.#options.launches(this.#graph);
    this.settle();
  }

  /** What was edited so far is what is wanted, from now on. */
  settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firstAtMs = undefined;
    this.#desired = this.#derive();
    this.#onSettled();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #derive(): Desired {
    const { router, run } = this.#options;
    return desiredOf({
      graph: this.#graph,
      isStarted: this.#isStarted,
      launches: this.#launches,
      taps: this.#taps,
      ...(router === undefined ? {} : { router }),
      ...(run === undefined ? {} : { run }),
    });
  }
}
