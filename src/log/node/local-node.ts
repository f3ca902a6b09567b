import { asError } from '../../errors.js';
import { StoreClosedError } from '../store/errors.js';
import {
  type CommitResult,
  type LogStore,
  type NewRecord,
  type Receipt,
  recordId,
  type StoredRecord,
  type TopicState,
} from '../store/store.js';
import { claimAvailable, type WantedProc } from './available-proc.js';
import { Bindings } from './bindings.js';
import { ClaimDesk } from './claim-desk.js';
import { machineClock } from './clock.js';
import { Collector } from './collector.js';
import { Commits } from './commits.js';
import { deadLetterOf } from './dead-letter.js';
import { Fanout } from './fanout.js';
import { inqueueProc } from './inqueue-proc.js';
import type { InqueueOptions, TopicBinding } from './log-bindings.js';
import type { AckCommitResult, Claim, Peek } from './log-claims.js';
import type { Unsubscribe } from './log-listening.js';
import type { LogNode, NodeStats } from './log-node.js';
import type { ProcessorDefinition } from './log-processors.js';
import type { Backlog, ProcChange, ProcOptions, ProcState } from './log-procs.js';
import type { RangeOptions } from './log-records.js';
import { checkRecords } from './names.js';
import type { LogNodeOptions } from './node-options.js';
import type { Proc } from './proc.js';
import { ProcTable, positive } from './proc-table.js';
import { Processors } from './processors.js';
import { StoredFacts } from './stored-facts.js';
import { type PageOptions, TopicReader } from './topic-reader.js';
import { anyWork, caughtUp } from './waits.js';

/** The node over a store that it has for itself and closes. Procs, claims and bindings are as they were left. */
export function openLogNode(store: LogStore, options: LogNodeOptions = {}): LogNode {
  return new LocalNode(store, options);
}

/** The parts of a node behind its one interface. */
class LocalNode implements LogNode {
  readonly #store: LogStore;
  readonly #table: ProcTable;
  readonly #commits: Commits;
  readonly #desk: ClaimDesk;
  readonly #reader: TopicReader;
  readonly #fanout: Fanout;
  readonly #bindings: Bindings;
  readonly facts: StoredFacts;
  readonly #processors: Processors;
  readonly #collector: Collector;
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(store: LogStore, options: LogNodeOptions) {
    const { clock = machineClock, deadLetter = deadLetterOf, onError = () => undefined, gc, keepMs } = options;
    this.#store = store;
    this.#reader = new TopicReader(store);
    this.#table = new ProcTable({ store, clock, onError });
    const known = { store, table: this.#table, clock, onError };
    this.#bindings = new Bindings(store);
    this.facts = new StoredFacts(store);
    const { history = true } = options;
    this.#fanout = new Fanout({ ...known, bindings: this.#bindings, history });
    this.#commits = new Commits({ ...known, fanout: this.#fanout });
    this.#desk = new ClaimDesk({
      ...known,
      fanout: this.#fanout,
      commits: this.#commits,
      deadLetter,
      ...(!history && { onAcked: (topic) => this.#collector.trimNowAndThen(topic) }),
    });
    this.#processors = new Processors(store, this.#table);
    this.#collector = new Collector({ ...known, ...(gc && { gc }), ...(keepMs && { keepMs }) });
  }

  async commit(records: readonly NewRecord[]): Promise<readonly string[]> {
    this.#checkOpen();
    checkRecords(records);
    return idsOf(records, await this.#commits.commit(records));
  }

  submit(records: readonly NewRecord[], receipt: Receipt): void {
    try {
      this.#checkOpen();
      checkRecords(records);
      this.#commits.submit(records, receipt);
    } catch (error) {
      queueMicrotask(() => receipt.refused(asError(error)));
    }
  }

  get congested(): boolean {
    return this.#store.congested;
  }

  drained(): Promise<void> {
    return this.#store.drained();
  }

  async range(topic: string, options: RangeOptions = {}): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    return await this.#reader.all(topic, options);
  }

  async revrange(topic: string, options: RangeOptions = {}): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    return await this.#reader.all(topic, { ...options, reverse: true });
  }

  async *pages(topic: string, options: PageOptions = {}): AsyncGenerator<readonly StoredRecord[], void, undefined> {
    this.#checkOpen();
    yield* this.#reader.pages(topic, options);
  }

  async length(topic: string): Promise<number> {
    this.#checkOpen();
    return this.#reader.need(topic).length;
  }

  read(topic: string, from: number, limit?: number): Promise<readonly StoredRecord[]> {
    return this.#store.read(topic, { from, ...(limit === undefined ? {} : { limit }) });
  }

  topics(): readonly TopicState[] {
    return this.#store.topics();
  }

  async proc(topic: string, options: ProcOptions): Promise<Claim | undefined> {
    const proc = await this.#ensure(topic, options);
    return (await this.#desk.claim(proc, 1, positive(options.count, proc.definition.count)))[0];
  }

  async ensureProc(topic: string, options: ProcOptions): Promise<ProcState> {
    return (await this.#ensure(topic, options)).state;
  }

  async claim(name: string, max: number): Promise<readonly Claim[]> {
    return await this.#desk.claim(this.#need(name), max);
  }

  async availableProc(procs: readonly WantedProc[]): Promise<Claim | undefined> {
    this.#checkOpen();
    return await claimAvailable(this.#table, this.#desk, procs);
  }

  async ack(name: string, token?: string): Promise<string> {
    const proc = this.#need(name);
    const claim = this.#desk.out(proc, token, 'invalid_ack');
    await this.#desk.settle(proc, claim);
    return claim.range;
  }

  async ackCommit(name: string, records: readonly NewRecord[], token?: string): Promise<AckCommitResult> {
    const proc = this.#need(name);
    const claim = this.#desk.out(proc, token, 'invalid_ack');
    checkRecords(records);
    const result = await this.#desk.settle(proc, claim, records);
    return { ackedRange: claim.range, ids: idsOf(records, result) };
  }

  settle(name: string, token: string, records: readonly NewRecord[], receipt: Receipt): void {
    try {
      const proc = this.#need(name);
      if (records.length > 0) checkRecords(records);
      this.#desk.submit(proc, this.#desk.out(proc, token, 'invalid_ack'), records, receipt);
    } catch (error) {
      queueMicrotask(() => receipt.refused(asError(error)));
    }
  }

  async reclaim(name: string, token?: string, reason = 'reclaimed'): Promise<string> {
    const proc = this.#need(name);
    return await this.#desk.reclaim(proc, this.#desk.out(proc, token, 'nothing_to_reclaim'), reason);
  }

  release(name: string, token: string): boolean {
    const proc = this.#table.find(name);
    const claim = proc?.claims.get(token);
    if (!proc || !claim || this.#closing) return false;
    this.#desk.release(proc, claim);
    return true;
  }

  async claimWithin(name: string, from: number, to: number): Promise<Claim | undefined> {
    return await this.#desk.claimWithin(this.#need(name), from, to);
  }

  async peek(name: string): Promise<Peek | undefined> {
    const proc = this.#need(name);
    const { nextFree } = proc;
    if (nextFree === undefined) return undefined;
    const [record] = await this.#store.read(proc.topic.name, { from: nextFree, limit: 1 });
    return record && { sequence: record.sequence, timestampMs: record.timestampMs };
  }

  backlog(name: string): Backlog | undefined {
    const proc = this.#table.find(name);
    return proc && { ...proc.backlog, taken: proc.topic.last + 1, acked: proc.acked };
  }

  ready(name: string): number {
    return this.#table.find(name)?.ready ?? 0;
  }

  outstanding(name: string): readonly string[] {
    return [...this.#need(name).claims.keys()];
  }

  readers(topic: string): readonly string[] {
    return this.#table.readers(topic);
  }

  inspectProc(name: string): ProcState {
    return this.#need(name).state;
  }

  listProcs(): readonly ProcState[] {
    this.#checkOpen();
    return [...this.#table.procs].map(({ state }) => state);
  }

  async updateProc(name: string, change: ProcChange): Promise<ProcState> {
    return await this.#table.update(this.#need(name), change);
  }

  async disableProc(name: string): Promise<ProcState> {
    return await this.#table.setStatus(this.#need(name), 'disabled');
  }

  async resumeProc(name: string): Promise<ProcState> {
    return await this.#table.setStatus(this.#need(name), 'active');
  }

  async destroyProc(name: string): Promise<void> {
    await this.#table.destroy(this.#need(name));
  }

  async waitForProcs(names?: readonly string[], signal?: AbortSignal): Promise<void> {
    this.#checkOpen();
    await caughtUp(this.#table, names, [signal, this.#closed.signal]);
  }

  onWork(proc: string, listener: () => void): Unsubscribe {
    const unsubscribe = this.#table.wakeups.onWork(proc, listener);
    const found = this.#table.find(proc);
    if (found?.hasWork) this.#table.wakeups.proc(found);
    return unsubscribe;
  }

  async nextWork(procs: readonly string[], signal?: AbortSignal): Promise<void> {
    this.#checkOpen();
    await anyWork(this.#table, procs, [signal, this.#closed.signal]);
  }

  onRecords(topic: string, listener: (lastSequence: number) => void): Unsubscribe {
    return this.#table.wakeups.onRecords(this.#table.topic(topic), listener);
  }

  onCommit(topic: string, listener: (record: NewRecord) => void): Unsubscribe {
    return this.#fanout.onCommit(topic, listener);
  }

  async systemProc(definition: ProcessorDefinition): Promise<readonly ProcState[]> {
    this.#checkOpen();
    return await this.#processors.define(definition);
  }

  processors(): readonly ProcessorDefinition[] {
    return this.#processors.all;
  }

  onProcessor(listener: (definition: ProcessorDefinition) => void): Unsubscribe {
    return this.#processors.onDefined(listener);
  }

  onProcessorRemoved(listener: (definition: ProcessorDefinition) => void): Unsubscribe {
    return this.#processors.onRemoved(listener);
  }

  async removeProcessor(name: string): Promise<void> {
    this.#checkOpen();
    await this.#processors.remove(name);
  }

  async bind(binding: TopicBinding): Promise<void> {
    this.#checkOpen();
    await this.#bindings.bind(binding);
  }

  async unbind(binding: TopicBinding): Promise<void> {
    this.#checkOpen();
    await this.#bindings.unbind(binding);
  }

  async subscribe(target: string, filters: readonly string[]): Promise<void> {
    this.#checkOpen();
    await this.#bindings.subscribe(target, filters);
  }

  subscription(target: string): readonly string[] {
    return this.#bindings.filtersOf(target);
  }

  targets(source: string): readonly string[] {
    return this.#bindings.targets(source);
  }

  isRead(topic: string): boolean {
    return this.#table.isRead(topic);
  }

  bindings(): readonly TopicBinding[] {
    return this.#bindings.all;
  }

  async inqueue(queue: string, options: InqueueOptions = {}): Promise<ProcState> {
    this.#checkOpen();
    return await inqueueProc(this.#table, queue, options);
  }

  async collect(): Promise<number> {
    this.#checkOpen();
    return await this.#collector.collect();
  }

  async trim(topic: string): Promise<number> {
    this.#checkOpen();
    return await this.#collector.trim(topic);
  }

  stats(): NodeStats {
    const procs = [...this.#table.procs];
    return {
      ...this.#store.stats(),
      topics: this.#store.topics().length,
      procs: procs.length,
      claims: procs.reduce((sum, { claims }) => sum + claims.size, 0),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed.abort(new StoreClosedError(this.#store.folder));
    try {
      await this.#collector.stop();
      this.#desk.stop();
      await this.#table.noteClosed();
    } finally {
      await this.#store.close();
    }
  }

  #ensure(topic: string, options: ProcOptions): Proc | Promise<Proc> {
    this.#checkOpen();
    const proc = this.#table.find(options.name);
    return proc?.topic.name === topic ? proc : this.#table.ensure(topic, options);
  }

  #need(name: string): Proc {
    this.#checkOpen();
    return this.#table.need(name);
  }

  #checkOpen(): void {
    if (this.#closing) throw new StoreClosedError(this.#store.folder);
  }
}

/** Those of the records themselves; their copies come behind them. */
function idsOf(records: readonly NewRecord[], { timestampMs, sequences }: CommitResult): readonly string[] {
  return records.map((_, at) => recordId(timestampMs, sequences[at] ?? 0));
}
