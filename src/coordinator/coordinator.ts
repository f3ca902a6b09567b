import { type Definition, LAPSE_MS } from '../discovery/index.js';
import type { Graph } from '../graph/index.js';
import type { PortRef, Role } from '../names.js';
import { within } from '../support/index.js';
import type { Binding } from '../transport/index.js';
import type { CoordinatorOptions } from './coordinator-options.js';
import { Copies } from './copies.js';
import { type DiscoveryChange, DiscoveryFeed } from './discovery-feed.js';
import { dueInMs } from './due.js';
import { definitionOf, inqueueOf } from './edges.js';
import { type CoordinatorEvent, failureEvent } from './events.js';
import { Executor } from './executor.js';
import { foreignBindings } from './foreign-bindings.js';
import { IipTeller } from './iip-teller.js';
import { Instruments } from './instruments.js';
import { type NetworkReport, reportOf } from './network-report.js';
import { Passes } from './passes.js';
import { plan } from './plan.js';
import { ProcessFeed } from './process-feed.js';
import { RecordsFile } from './records-file.js';
import { Renaming } from './renaming.js';
import { sendToInport } from './send.js';
import { Settling } from './settling.js';
import type { Desired, Observed, TapWish } from './state.js';
import { Wanted } from './wanted.js';

/** How long a stop waits for what is under way, in ms: without the broker it does not end. */
const STOP_WITHIN_MS = 2000;

/**
 * Makes the network what the graph wants, for as long as it lives: it watches discovery and processes, plans, carries
 * out, and begins again at every change. It is not on the path of any message: killed, it leaves everything running.
 *
 * `start()` … `stop()`; the broker and the launcher belong to the caller.
 */
export class Coordinator {
  /** The network in numbers. */
  readonly instruments: Instruments;
  readonly #options: CoordinatorOptions;
  readonly #nowMs: () => number;
  readonly #wanted: Wanted;
  readonly #feed: DiscoveryFeed;
  readonly #records: RecordsFile;
  readonly #executor: Executor;
  readonly #copies: Copies;
  readonly #renaming: Renaming;
  readonly #iips: IipTeller;
  readonly #processes: ProcessFeed;
  readonly #listeners = new Set<(event: CoordinatorEvent) => void>();
  readonly #passes: Passes;
  readonly #settling = new Settling(() => this.#wake());
  #isIdle = false;
  #liveSinceMs: number | undefined;

  /** @throws as `launches` */
  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    const { broker, launcher, log, graph, isStarted = true, launches, router, run, openClient } = options;
    const started = launcher ? { launches, router } : {};
    const wanted = { graph, isStarted, run, launches: started.launches ?? (() => new Map()), router: started.router };
    this.#wanted = new Wanted(wanted, () => this.#wake());
    const lapseMs = options.lapseMs ?? LAPSE_MS;
    this.#feed = new DiscoveryFeed({ broker, lapseMs, log, nowMs: this.#nowMs }, (change) => this.#discovered(change));
    this.#passes = new Passes({ run: () => this.#runPass(), log, nowMs: this.#nowMs });
    this.#processes = new ProcessFeed({
      launcher,
      nowMs: this.#nowMs,
      changed: (state, ended) => {
        if (ended !== undefined) this.#feed.processEnded(ended);
        this.#tell({ kind: 'process', state });
        this.#wake();
      },
      output: (line) => this.#tell({ kind: 'output', line }),
    });
    const look = () => ({ desired: this.desired, observed: this.#observed() });
    const tell = (message: string): void => this.#tell({ kind: 'failure', message });
    this.instruments = new Instruments({ broker, log, nowMs: this.#nowMs, look, tell });
    const participants = (): readonly Definition[] => this.#feed.table.all().map((known) => known.definition);
    const { recordsPath: path, brokerName = '' } = options;
    this.#records = new RecordsFile({ path, broker: brokerName, run, participants, log });
    this.#copies = new Copies({ broker, look, tell: (event) => this.#tell(event) });
    const renamed = { wanted: this.#wanted, records: this.#records, moved: () => this.#wake() };
    this.#renaming = new Renaming({ broker, openClient, log, ...renamed });
    this.#iips = new IipTeller((to, data) => this.#tell({ kind: 'iip', to, data }));
    this.#executor = new Executor({
      broker,
      launcher,
      records: this.#records,
      log,
      nowMs: this.#nowMs,
      tap: (outqueue) => this.#copies.taps.tap(outqueue),
      untap: (outqueue) => this.#copies.taps.untap(outqueue),
      move: (move) => this.#renaming.begin(move),
      ended: () => this.#wake(),
      telling: (step) => this.#iips.telling(step, (role) => this.#feed.table.ofRole(role)),
      failed: (step, message) => this.#tell(failureEvent(step, message, this.desired)),
    });
  }

  /** With the latest edits, which may not be carried out yet. */
  get graph(): Graph {
    return this.#wanted.graph;
  }

  get desired(): Desired {
    return this.#wanted.desired;
  }

  /** The processes we run should be running. */
  get isStarted(): boolean {
    return this.#wanted.isStarted;
  }

  /** Nothing is left that could be done just now. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** When the first participant was live after the network was started, on the clock of `performance.now()`. */
  get liveSinceMs(): number | undefined {
    return this.#liveSinceMs;
  }

  /** Reads the records, finds who is there, and begins. */
  async start(): Promise<void> {
    const remembered = await this.#records.load();
    const isSameRun = this.#records.isSameRun;
    this.#feed.remember(remembered, { isSameRun });
    if (isSameRun) this.#executor.assumeBound();
    await this.#processes.start();
    // Where processes run already only the coordinator is new.
    if (this.#processes.states.size === 0) this.#settling.begin();
    await this.instruments.start(remembered.map(({ id }) => id));
    this.#passes.start();
    await this.#feed.start();
  }

  /**
   * Lets the pass in hand finish, for up to 2 s: it may wait for a broker that is away. Processes, queues and bindings are
   * left as they are. Idempotent.
   */
  async stop(): Promise<void> {
    this.#settling.stop();
    this.#wanted.stop();
    await this.#feed.stop();
    await this.instruments.stop();
    await within(this.#end(), STOP_WITHIN_MS);
    await this.#records.saved();
  }

  /** What is wanted changes; it is made so together with what follows within half a second. @throws as `launches` */
  setGraph(graph: Graph): void {
    this.#wanted.setGraph(graph);
  }

  /** Starts or stops the processes that we run, at once; queues and bindings stay, so that messages wait. */
  setStarted(isStarted: boolean): void {
    if (isStarted && !this.isStarted) this.#settling.begin();
    if (isStarted !== this.isStarted) this.#liveSinceMs = undefined;
    this.#wanted.setStarted(isStarted);
  }

  /**
   * The library has changed: commands are made anew, and the processes of these roles started again, whatever their
   * command. @throws as `launches`
   */
  relaunch(roles: ReadonlySet<Role> = new Set()): void {
    this.#wanted.relaunch();
    for (const role of roles) this.#executor.outdate(this.desired.launches.get(role)?.specs ?? []);
    this.#wake();
  }

  /**
   * As `setGraph`, with the role renamed in it: its processes are started under the new name, and what waits in its
   * inqueues goes there. @throws as `launches`
   */
  rename(from: Role, to: Role, graph: Graph): void {
    this.#renaming.rename({ from, to }, graph, definitionOf(this.#observed(), from));
  }

  /** We start processes of this role. */
  launches(role: Role): boolean {
    return this.#wanted.launches.has(role);
  }

  /** What is tapped from now on. */
  wish(taps: TapWish): void {
    this.#wanted.setTaps(taps);
  }

  /**
   * Sends to an inport's queue, once it is known and all that can be done just now is done. Resolves when the broker has
   * the message. @throws the reason of `signal` when that comes first
   */
  send(to: PortRef, data: unknown, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const surroundings = {
      broker: this.#options.broker,
      queueOf: (ref: PortRef) => inqueueOf(ref, this.desired, this.#observed()),
      isIdle: () => this.#isIdle,
      onChange: (listener: () => void) => this.subscribe(listener),
    };
    return sendToInport(surroundings, to, data, signal);
  }

  /** How everything stands. O(nodes + edges). */
  report(): NetworkReport {
    return reportOf(this.desired, this.#observed());
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

  async #end(): Promise<void> {
    await Promise.all([this.#renaming.stop(), this.#passes.stop(), this.#executor.close()]);
    await this.#copies.taps.close();
  }

  #observed(): Observed {
    const { table, heardAtMs } = this.#feed;
    const { started, bound, suspect, failing, published, toldOutports, outdated } = this.#executor;
    return {
      binds: this.#options.broker.capabilities.binds,
      credits: this.#options.broker.capabilities.credits,
      participants: new Map(table.roles().map((role) => [role, table.ofRole(role)])),
      heardAtMs,
      processes: this.#processes.states,
      overdue: this.#processes.overdue,
      ...{ started, bound, suspect, failing, published, toldOutports, outdated },
      tapped: this.#copies.taps.tapped,
      moving: this.#renaming.moving,
      nowMs: this.#nowMs(),
      isSettling: this.#settling.isOn,
    };
  }

  #discovered({ kind, definition, queues, isNews }: DiscoveryChange): void {
    this.#executor.rebind(queues);
    if (kind === 'gone') this.#forget(definition);
    else {
      this.#records.recordInports(definition);
      this.instruments.heard(definition.id);
    }
    if (isNews) {
      this.#records.touch();
      this.#tell({ kind: 'participant', definition });
    }
    this.#wake();
  }

  #forget({ id, role }: Definition): void {
    this.instruments.forget(id);
    this.#iips.forget(id);
    if (!this.desired.roles.has(role)) this.#feed.table.forget(id);
  }

  #wake(): void {
    this.#isIdle = false;
    this.#copies.changed();
    this.#passes.wake();
  }

  /** @returns in how many ms the next is due though nothing happens */
  async #runPass(): Promise<number> {
    this.#renaming.forgetVoid();
    const seenMs = this.#nowMs();
    const observed = this.#observed();
    this.instruments.note(this.desired, observed);
    const steps = plan(this.desired, observed, this.#records);
    const isNews = !this.#isIdle || steps.length > 0;
    this.#isIdle = steps.length === 0;
    if ((await this.#executor.carryOut(steps)) > 0) this.#wake();
    if (this.isStarted && this.#feed.table.all().some(({ status }) => status === 'live')) {
      this.#liveSinceMs ??= performance.now();
    }
    if (isNews) this.#tell({ kind: 'report' });
    return dueInMs(
      { executor: this.#executor, processes: this.#processes, records: this.#records },
      seenMs,
      this.#nowMs(),
    );
  }

  #tell(event: CoordinatorEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
