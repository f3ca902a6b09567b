import { type Definition, LAPSE_MS } from '../discovery/index.js';
import type { Graph } from '../graph/index.js';
import { asRole, type ParticipantId, type PortRef, type Role } from '../names.js';
import type { ProcessState, ProcessStatus } from '../process/index.js';
import { within } from '../support/index.js';
import type { Binding } from '../transport/index.js';
import type { CoordinatorOptions } from './coordinator-options.js';
import { CountersFeed } from './counters-feed.js';
import { DiscoveryFeed } from './discovery-feed.js';
import { definitionOf, inqueueOf } from './edges.js';
import { type CoordinatorEvent, type CopySources, copySources, eventsOfCopy, failureEvent } from './events.js';
import { Executor } from './executor.js';
import { Figures, type NetworkFigures, type QueueReport } from './figures.js';
import { foreignBindings } from './foreign-bindings.js';
import { IipTeller } from './iip-teller.js';
import { LossWatch } from './loss-watch.js';
import { Mover } from './mover.js';
import { type NetworkReport, reportOf } from './network-report.js';
import { Passes } from './passes.js';
import { plan } from './plan.js';
import { ProcessTable } from './process-table.js';
import { RecordsFile } from './records-file.js';
import { sendToInport } from './send.js';
import type { Desired, Observed, TapWish } from './state.js';
import { TapBoard } from './tap-board.js';
import { Wanted } from './wanted.js';

const HAS_ENDED: ReadonlySet<ProcessStatus> = new Set(['backoff', 'failed', 'stopped', 'ended']);

/** So long after the start of a network its parts come one by one, in ms. */
const SETTLING_MS = 10_000;

/** How long a stop waits for what is under way, in ms: without the broker it does not end. */
const STOP_WITHIN_MS = 2000;

/**
 * Makes the network what the graph wants, for as long as it lives: it watches discovery and processes, plans, carries
 * out, and begins again at every change. It is not on the path of any message: killed, it leaves everything running.
 *
 * `start()` … `stop()`; the broker and the launcher belong to the caller.
 */
export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #nowMs: () => number;
  readonly #wanted: Wanted;
  readonly #feed: DiscoveryFeed;
  readonly #counters: CountersFeed;
  readonly #figures: Figures;
  readonly #losses: LossWatch;
  readonly #records: RecordsFile;
  readonly #executor: Executor;
  readonly #taps: TapBoard;
  readonly #mover: Mover;
  readonly #iips: IipTeller;
  readonly #processes: ProcessTable;
  readonly #listeners = new Set<(event: CoordinatorEvent) => void>();
  readonly #passes: Passes;
  #settling: NodeJS.Timeout | undefined;
  #isIdle = false;
  #liveSinceMs: number | undefined;
  /** Made at the first copy after each change. */
  #copySources: CopySources | undefined;

  /** @throws as `launches` */
  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    const { broker, launcher, log, graph, isStarted = true, launches, router, run, openClient } = options;
    this.#wanted = new Wanted(
      {
        graph,
        isStarted,
        launches: launcher && launches ? launches : () => new Map(),
        router: launcher && router,
        run,
      },
      () => this.#wake(),
    );
    const lapseMs = options.lapseMs ?? LAPSE_MS;
    this.#feed = new DiscoveryFeed({ broker, lapseMs, log, nowMs: this.#nowMs }, (change) => {
      this.#executor.rebind(change.queues);
      const { id, role } = change.definition;
      if (change.kind === 'gone') this.#forget(id, role);
      else this.#heard(change.definition);
      if (change.isNews) this.#records.touch();
      if (change.isNews) this.#tell({ kind: 'participant', definition: change.definition });
      this.#wake();
    });
    this.#passes = new Passes({ run: () => this.#runPass(), log, nowMs: this.#nowMs });
    this.#processes = new ProcessTable(this.#nowMs);
    this.#counters = new CountersFeed(broker, log, { nowMs: this.#nowMs });
    this.#figures = new Figures(broker, this.#counters, this.#nowMs);
    this.#losses = new LossWatch({ broker, log, tell: (message) => this.#tell({ kind: 'failure', message }) });
    const participants = (): readonly Definition[] => this.#feed.table.all().map((known) => known.definition);
    const { recordsPath: path, brokerName = '' } = options;
    this.#records = new RecordsFile({ path, broker: brokerName, run, participants, log });
    this.#taps = new TapBoard(broker, (outqueue, delivery) => {
      this.#copySources ??= copySources(this.desired, this.#observed());
      for (const event of eventsOfCopy(outqueue, delivery, this.#copySources)) this.#tell(event);
    });
    this.#mover = new Mover({
      broker,
      openClient,
      log,
      isWanted: (from) => this.#records.moves.some((move) => move.from === from),
      moved: (from) => {
        this.#records.forgetMove(from);
        this.#wake();
      },
    });
    this.#iips = new IipTeller((to, data) => this.#tell({ kind: 'iip', to, data }));
    this.#executor = new Executor({
      broker,
      launcher,
      records: this.#records,
      log,
      nowMs: this.#nowMs,
      tap: (outqueue) => this.#taps.tap(outqueue),
      untap: (outqueue) => this.#taps.untap(outqueue),
      move: (move) => this.#mover.begin(move),
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
    const { launcher } = this.#options;
    if (launcher) {
      launcher.onChange((state) => this.#processChanged(state));
      launcher.onOutput((line) => this.#tell({ kind: 'output', line }));
      for (const state of await launcher.list()) this.#processes.take(state);
    }
    // Where processes run already only the coordinator is new.
    if (this.#processes.states.size === 0) this.#settle();
    this.#counters.expect(remembered.map(({ id }) => id));
    await this.#counters.start();
    await this.#losses.start();
    this.#passes.start();
    await this.#feed.start();
  }

  /**
   * Lets the pass in hand finish, for up to 2 s: it may wait for a broker that is away. Processes, queues and bindings are
   * left as they are. Idempotent.
   */
  async stop(): Promise<void> {
    clearTimeout(this.#settling);
    this.#wanted.stop();
    await this.#feed.stop();
    await this.#counters.stop();
    await this.#losses.stop();
    await within(this.#end(), STOP_WITHIN_MS);
    await this.#records.saved();
  }

  /** What is wanted changes; it is made so together with what follows within half a second. @throws as `launches` */
  setGraph(graph: Graph): void {
    this.#wanted.setGraph(graph);
  }

  /** Starts or stops the processes that we run, at once; queues and bindings stay, so that messages wait. */
  setStarted(isStarted: boolean): void {
    if (isStarted && !this.isStarted) this.#settle();
    if (isStarted !== this.isStarted) this.#liveSinceMs = undefined;
    this.#wanted.setStarted(isStarted);
  }

  /**
   * The library has changed: commands are made anew, and the processes of these roles started again, whatever their
   * command. @throws as `launches`
   */
  relaunch(roles: ReadonlySet<Role> = new Set()): void {
    this.#wanted.relaunch();
    for (const role of roles) {
      for (const { key } of this.desired.launches.get(role)?.specs ?? []) {
        if (this.#executor.started.has(key)) this.#executor.outdated.add(key);
      }
    }
    this.#wake();
  }

  /**
   * As `setGraph`, with the role renamed in it: its processes are started under the new name, and what waits in its
   * inqueues goes there. @throws as `launches`
   */
  rename(from: Role, to: Role, graph: Graph): void {
    const definition = definitionOf(this.#observed(), from);
    const slots = (this.#wanted.launches.get(from)?.specs ?? []).flatMap(({ env }) => env?.['MSGFLO_SLOT'] ?? []);
    this.#wanted.setGraph(graph);
    this.#records.recordRename({ from, to, slots });
    if (definition) this.#records.recordInports(definition);
    void this.#records.saved();
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

  /** Messages are waiting or in hand, as far as the broker and the participants tell. */
  isBusy(): Promise<boolean> {
    return this.#figures.isBusy(() => ({ desired: this.desired, observed: this.#observed() }));
  }

  /** The queues at the ends of the edges whose targets are known. */
  queues(): Promise<readonly QueueReport[]> {
    return this.#figures.queues(this.desired, this.#observed());
  }

  /** The network in numbers: what its participants have done, what waits. @param maxPorts as in `Figures.network` */
  figures(maxPorts: number): Promise<NetworkFigures> {
    return this.#figures.network(this.desired, this.#observed(), maxPorts);
  }

  /** Messages that the broker itself dropped, as far as it tells, since the start. */
  get lostMessages(): number {
    return this.#losses.messages;
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
    await Promise.all([this.#mover.stop(), this.#passes.stop(), this.#executor.close()]);
    await this.#taps.close();
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
      tapped: this.#taps.tapped,
      moving: this.#mover.moving,
      nowMs: this.#nowMs(),
      isSettling: this.#settling !== undefined,
    };
  }

  #heard(definition: Definition): void {
    this.#records.recordInports(definition);
    this.#counters.heard(definition.id);
  }

  #forget(id: ParticipantId, role: Role): void {
    this.#counters.forget(id);
    this.#iips.forget(id);
    if (!this.desired.roles.has(role)) this.#feed.table.forget(id);
  }

  #processChanged(state: ProcessState): void {
    this.#processes.take(state);
    if (HAS_ENDED.has(state.status)) this.#feed.processEnded(asRole(state.role));
    this.#tell({ kind: 'process', state });
    this.#wake();
  }

  /** The network begins: for a while sources wait also for those that others start. */
  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      this.#wake();
    }, SETTLING_MS);
  }

  #wake(inMs?: number): void {
    this.#isIdle = false;
    this.#copySources = undefined;
    this.#passes.wake(inMs);
  }

  /** A role that is there again takes what waits for it; and where the new name was taken away, it stays as it is. */
  #forgetVoidMoves(): void {
    const { roles } = this.desired;
    if (this.#wanted.isSettled) this.#records.keepMoves(({ from, to }) => roles.has(to) && !roles.has(from));
  }

  async #runPass(): Promise<void> {
    this.#forgetVoidMoves();
    const observed = this.#observed();
    this.#counters.keepRoles(this.desired.roles);
    this.#figures.note(this.desired, observed);
    const steps = plan(this.desired, observed, this.#records);
    this.#isIdle = steps.length === 0;
    const { done, againInMs } = await this.#executor.carryOut(steps);
    if (done > 0) this.#wake();
    else if (againInMs !== undefined) this.#wake(againInMs);
    if (this.isStarted && this.#feed.table.all().some(({ status }) => status === 'live')) {
      this.#liveSinceMs ??= performance.now();
    }
    this.#tell({ kind: 'report' });
  }

  #tell(event: CoordinatorEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
