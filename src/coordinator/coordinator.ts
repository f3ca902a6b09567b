import { type Definition, LAPSE_MS } from '../discovery/index.js';
import { messageOf } from '../errors.js';
import type { Graph } from '../graph/index.js';
import type { Role } from '../names.js';
import type { OutputLine, ProcessSpec, ProcessState } from '../process/index.js';
import type { Logger } from '../support/index.js';
import type { Binding, Broker } from '../transport/index.js';
import { type DesiredOptions, desiredOf } from './desired.js';
import { DiscoveryFeed } from './discovery-feed.js';
import { Executor } from './executor.js';
import { foreignBindings } from './foreign-bindings.js';
import type { Launch, Launcher } from './launcher.js';
import { type NetworkReport, reportOf } from './network-report.js';
import { plan } from './plan.js';
import { RecordsFile } from './records-file.js';
import type { Desired, Observed } from './state.js';

export interface CoordinatorOptions {
  readonly graph: Graph;
  /** Connected; closed by whoever opened it. */
  readonly broker: Broker;
  /** Absent: nothing is started, participants come by themselves. */
  readonly launcher?: Launcher;
  readonly launches?: ReadonlyMap<Role, Launch>;
  /** Starts a router where the broker cannot bind and a target takes no wiring. */
  readonly router?: ProcessSpec;
  /** The run of the keeper that starts the processes. */
  readonly run?: string;
  /** Where records are kept; absent: nowhere, and a restart may repeat what cannot be derived. */
  readonly recordsPath?: string;
  /** Names the broker in the records, without a password: what was done at another counts for nothing. @default '' */
  readonly brokerName?: string;
  /** Silence after which a participant is lost, in ms. @default 600000 */
  readonly lapseMs?: number;
  readonly log: Logger;
  readonly nowMs?: () => number;
}

/** What happens to the network, for those who show it. */
export type CoordinatorEvent =
  | { readonly kind: 'participant'; readonly definition: Definition }
  | { readonly kind: 'process'; readonly state: ProcessState }
  | { readonly kind: 'output'; readonly line: OutputLine }
  | { readonly kind: 'report' };

/** So long after the start of a network its parts come one by one, in ms. */
const SETTLING_MS = 10_000;
/** Events within this time are planned together, in ms. */
const TOGETHER_MS = 30;

/**
 * Makes the network what the graph wants, for as long as it lives: it watches discovery and processes, plans, carries
 * out, and begins again at every change. It is not on the path of any message: killed, it leaves everything running.
 *
 * `start()` … `stop()`; the broker and the launcher belong to the caller.
 */
export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #feed: DiscoveryFeed;
  readonly #records: RecordsFile;
  readonly #executor: Executor;
  readonly #processes = new Map<string, ProcessState>();
  readonly #listeners = new Set<(event: CoordinatorEvent) => void>();
  #graph: Graph;
  #desired: Desired;
  #isStarted = true;
  #isOpen = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #settling: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;
  #isIdle = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#graph = options.graph;
    this.#desired = desiredOf(this.#desiredOptions());
    const lapseMs = options.lapseMs ?? LAPSE_MS;
    const { broker, launcher, log } = options;
    this.#feed = new DiscoveryFeed({ broker, lapseMs, log, nowMs: this.#nowMs }, (change) => {
      this.#executor.rebind(change.queues);
      const { id, role } = change.definition;
      if (change.kind === 'gone' && !this.#desired.roles.has(role)) this.#feed.table.forget(id);
      if (change.isNews) this.#records.touch();
      if (change.isNews) this.#tell({ kind: 'participant', definition: change.definition });
      this.#wake();
    });
    const participants = (): readonly Definition[] => this.#feed.table.all().map((known) => known.definition);
    const { recordsPath: path, brokerName = '', run } = options;
    this.#records = new RecordsFile({ path, broker: brokerName, run, participants, log });
    this.#executor = new Executor({ broker, launcher, records: this.#records }, log, this.#nowMs);
  }

  get graph(): Graph {
    return this.#graph;
  }

  get desired(): Desired {
    return this.#desired;
  }

  /** The processes we run should be running. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Nothing is left that could be done just now. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** Reads the records, finds who is there, and begins. */
  async start(): Promise<void> {
    const remembered = await this.#records.load();
    const isSameRun = this.#records.isSameRun;
    // What was subscribed and bound in an earlier run may be so no longer, and sources must not rely on it.
    this.#feed.table.remember(isSameRun ? remembered : remembered.map(withoutSources));
    if (isSameRun) this.#executor.assumeBound();
    const { launcher } = this.#options;
    if (launcher) {
      launcher.onChange((state) => this.#processChanged(state));
      launcher.onOutput((line) => this.#tell({ kind: 'output', line }));
      for (const state of await launcher.list()) this.#processes.set(state.key, state);
    }
    // Where processes run already only the coordinator is new.
    if (this.#processes.size === 0) this.#settling = setTimeout(() => this.#settled(), SETTLING_MS);
    this.#isOpen = true;
    await this.#feed.start();
    this.#wake();
  }

  /** Lets the pass in hand finish. Processes, queues and bindings are left as they are. Idempotent. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#settling);
    await this.#feed.stop();
    await this.#pass;
    await this.#records.saved();
  }

  /** What is wanted changes; it is made so from now on. */
  setGraph(graph: Graph): void {
    this.#graph = graph;
    this.#desired = desiredOf(this.#desiredOptions());
    this.#wake();
  }

  /** Starts or stops the processes that we run; queues and bindings stay, so that messages wait. */
  setStarted(isStarted: boolean): void {
    this.#isStarted = isStarted;
    this.#desired = desiredOf(this.#desiredOptions());
    this.#wake();
  }

  /** How everything stands. O(nodes + edges). */
  report(): NetworkReport {
    return reportOf(this.#desired, this.#observed());
  }

  /** Bindings that somebody else made, where the broker can tell. They are left alone. */
  foreignBindings(): Promise<readonly Binding[]> {
    return foreignBindings(this.#options.broker, this.#records);
  }

  /** Messages on the discovery notice that could not be read, since the start. */
  get rejectedAnnouncements(): number {
    return this.#feed.rejected;
  }

  /** The definition that counts for each known role. */
  definitions(): readonly Definition[] {
    const { table } = this.#feed;
    return table.roles().flatMap((role) => table.ofRole(role).at(-1)?.definition ?? []);
  }

  /** Calls `listener` after each change until the function given back is called. */
  subscribe(listener: (event: CoordinatorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #desiredOptions(): DesiredOptions {
    const { run, router, launches, launcher } = this.#options;
    return {
      graph: this.#graph,
      isStarted: this.#isStarted,
      launches: launcher && launches ? launches : new Map(),
      ...(router === undefined || !launcher ? {} : { router }),
      ...(run === undefined ? {} : { run }),
    };
  }

  #observed(): Observed {
    const { table, heardAtMs } = this.#feed;
    return {
      binds: this.#options.broker.capabilities.binds,
      participants: new Map(table.roles().map((role) => [role, table.ofRole(role)])),
      heardAtMs,
      processes: this.#processes,
      started: this.#executor.started,
      bound: this.#executor.bound,
      suspect: this.#executor.suspect,
      failing: this.#executor.failing,
      published: this.#executor.published,
      isSettling: this.#settling !== undefined,
    };
  }

  #processChanged(state: ProcessState): void {
    this.#processes.set(state.key, state);
    this.#tell({ kind: 'process', state });
    this.#wake();
  }

  #settled(): void {
    this.#settling = undefined;
    this.#wake();
  }

  /** A pass soon; several calls make one. */
  #wake(inMs = TOGETHER_MS): void {
    this.#isIdle = false;
    if (!this.#isOpen) return;
    const atMs = this.#nowMs() + inMs;
    if (atMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#begin(), inMs);
  }

  #begin(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    if (this.#pass) {
      // One pass at a time: what came meanwhile is planned when it has ended.
      void this.#pass.then(() => this.#wake());
      return;
    }
    this.#pass = this.#runPass()
      .catch((error: unknown) => this.#log.warn(`a pass failed: ${messageOf(error)}`))
      .finally(() => {
        this.#pass = undefined;
      });
  }

  async #runPass(): Promise<void> {
    const steps = plan(this.#desired, this.#observed(), this.#records);
    this.#isIdle = steps.length === 0;
    const { done, againInMs } = await this.#executor.carryOut(steps);
    if (done > 0) this.#wake();
    else if (againInMs !== undefined) this.#wake(againInMs);
    this.#tell({ kind: 'report' });
  }

  #tell(event: CoordinatorEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function withoutSources(definition: Definition): Definition {
  const { wired: _wired, ...rest } = definition;
  return { ...rest, inports: definition.inports.map(({ sources: _sources, ...port }) => port) };
}
