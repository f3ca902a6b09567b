import type { CommitResult, LogStore, NewRecord } from '../store/store.js';
import { deadlineOf } from './claim-timers.js';
import type { NodeClock } from './clock.js';
import { LogError } from './log-error.js';
import type { ProcChange, ProcOptions, ProcState } from './log-procs.js';
import { checkProcName, checkTopic } from './names.js';
import { Offsets } from './offsets.js';
import { Proc } from './proc.js';
import { Facts, familiesOf, type ProcDefinition, procKey } from './proc-facts.js';
import { storedProcs } from './stored-procs.js';
import { TopicEntry } from './topic-entry.js';
import { Wakeups } from './wakeups.js';

export interface ProcTableOptions {
  readonly store: LogStore;
  readonly clock: NodeClock;
  readonly onError: (error: unknown, during: string) => void;
}

const DEFAULT_MAX_RECLAIMS = 10;
const DEFAULT_RECLAIM_TIMEOUT_MS = 10_000;
/** Begins where its topic ends at the time that it is stored. */
const UNTIL_STORED = -1;
/** A fact that is there while nobody has the log open, unless who had it was killed. */
const CLOSED = 'closed';

/** All topics and procs of a log: knows, makes, changes and destroys them. What procs give out is the claim desk's. */
export class ProcTable {
  readonly #store: LogStore;
  readonly #clock: NodeClock;
  readonly #topics = new Map<string, TopicEntry>();
  readonly #procs = new Map<string, Proc>();
  readonly #making = new Map<string, Promise<Proc>>();
  readonly #offsets: Offsets;
  readonly wakeups: Wakeups;

  constructor(options: ProcTableOptions) {
    const { store, clock, onError } = options;
    this.#store = store;
    this.#clock = clock;
    this.#offsets = new Offsets(store);
    this.wakeups = new Wakeups((error) => onError(error, 'telling a listener'));
    for (const { topic, firstSequence, lastSequence } of store.topics())
      this.#topics.set(topic, new TopicEntry(topic, firstSequence, lastSequence));
    const deadline = (claimedAtMs: number, definition: ProcDefinition): number =>
      deadlineOf(clock, definition, Math.max(0, clock.wallMs() - claimedAtMs));
    const hasCrashed = store.get(CLOSED) === undefined;
    for (const proc of storedProcs({ store, topic: (name) => this.topic(name), deadline, hasCrashed })) this.#add(proc);
    if (!hasCrashed)
      store.commit({ deletes: [CLOSED] }).catch((error: unknown) => onError(error, 'noting that the log is in use'));
  }

  /** What is in hand is written down: the next to open this log finds all of it. Where that fails, it takes it for a crash. */
  async noteClosed(): Promise<void> {
    await this.#store.commit({ puts: [{ key: CLOSED, value: '' }] }).catch(() => undefined);
  }

  get procs(): Iterable<Proc> {
    return this.#procs.values();
  }

  get topics(): Iterable<TopicEntry> {
    return this.#topics.values();
  }

  /** Makes it known; it exists from its first record. */
  topic(name: string): TopicEntry {
    const known = this.#topics.get(name);
    if (known) return known;
    const topic = new TopicEntry(name);
    this.#topics.set(name, topic);
    return topic;
  }

  /** Whether somebody may be given what comes to a topic. */
  isRead(topic: string): boolean {
    return (this.#topics.get(topic)?.procs.size ?? 0) > 0;
  }

  /** Names of the procs of a topic. */
  readers(topic: string): readonly string[] {
    return [...(this.#topics.get(topic)?.procs ?? [])].map(({ name }) => name);
  }

  /** Records are done: has to be called for all of them, in their order, as receipts come. */
  committed(records: readonly NewRecord[], { sequences }: CommitResult): void {
    let topic: TopicEntry | undefined;
    for (let at = 0; at < records.length; at++) {
      const name = records[at]?.topic ?? '';
      if (topic?.name !== name) {
        topic = this.topic(name);
        this.wakeups.topic(topic);
      }
      topic.last = sequences[at] ?? topic.last;
    }
  }

  find(name: string): Proc | undefined {
    return this.#procs.get(name);
  }

  /** @throws {LogError} invalid_proc */
  need(name: string): Proc {
    const proc = this.#procs.get(name);
    if (!proc) throw new LogError('invalid_proc', `there is no proc '${name}'`);
    return proc;
  }

  /** The proc, made when there is none. @throws {LogError} proc_name_not_unique */
  async ensure(topic: string, options: ProcOptions): Promise<Proc> {
    const { name } = options;
    const proc = this.#procs.get(name) ?? (await (this.#making.get(name) ?? this.#begin(topic, options)));
    if (proc.topic.name !== topic)
      throw new LogError('proc_name_not_unique', `'${proc.name}' is a proc of '${proc.topic.name}'`);
    return proc;
  }

  #begin(topic: string, options: ProcOptions): Promise<Proc> {
    const making = this.#make(topic, options).finally(() => this.#making.delete(options.name));
    this.#making.set(options.name, making);
    return making;
  }

  async #make(topic: string, options: ProcOptions): Promise<Proc> {
    const { name, offset } = options;
    checkTopic(topic);
    checkProcName(name);
    if (options.deadletter) checkTopic(options.deadletter);
    if (offset === '') throw new LogError('invalid_range_offset', 'a proc needs an offset');
    const entry = this.topic(topic);
    // Known at once, so that a proc for what comes from now on is stored in the order of the calls.
    const known = offset === '>' ? 0 : offset === '$>' ? UNTIL_STORED : undefined;
    let definition: ProcDefinition = {
      topic,
      offset,
      start: known ?? (await this.#offsets.after(topic, offset)),
      status: 'active',
      createdAt: this.#clock.wallMs(),
      count: positive(options.count, 1),
      maxReclaims: limit(options.maxReclaims, DEFAULT_MAX_RECLAIMS),
      reclaimTimeout: limit(options.reclaimTimeout, DEFAULT_RECLAIM_TIMEOUT_MS),
      onMaxReclaimsReached: options.onMaxReclaimsReached ?? 'disable',
      deadletter: options.deadletter || `dead-${topic}`,
      maxClaims: positive(options.maxClaims, 1),
      ...(options.trail === false && { trail: false }),
    };
    const puts = [{ key: procKey(name), value: JSON.stringify(definition) }];
    // Receipts come in the order of the commits: what is done then was asked for before this proc, all else comes after it.
    const last = await new Promise<number>((resolve, refused) =>
      this.#store.submit({ puts }, { stored: () => resolve(entry.last), refused }),
    );
    if (definition.start !== UNTIL_STORED) return this.#add(new Proc(name, entry, definition));
    definition = { ...definition, start: last + 1 };
    const proc = this.#add(new Proc(name, entry, definition));
    try {
      await this.#store.commit({ puts: [{ key: procKey(name), value: JSON.stringify(definition) }] });
      return proc;
    } catch (error) {
      this.#remove(proc);
      throw error;
    }
  }

  #add(proc: Proc): Proc {
    this.#procs.set(proc.name, proc);
    proc.topic.procs.add(proc);
    this.wakeups.proc(proc);
    return proc;
  }

  #remove(proc: Proc): void {
    proc.isDestroyed = true;
    this.#procs.delete(proc.name);
    proc.topic.procs.delete(proc);
    this.wakeups.proc(proc);
  }

  async update(proc: Proc, change: ProcChange): Promise<ProcState> {
    const { definition } = proc;
    if (change.deadletter) checkTopic(change.deadletter);
    const { count, maxClaims, maxReclaims, reclaimTimeout, onMaxReclaimsReached, deadletter } = change;
    const changed: Partial<ProcDefinition> = {
      count: positive(count, definition.count),
      maxClaims: positive(maxClaims, definition.maxClaims),
      maxReclaims: limit(maxReclaims, definition.maxReclaims),
      reclaimTimeout: limit(reclaimTimeout, definition.reclaimTimeout),
      onMaxReclaimsReached: onMaxReclaimsReached ?? definition.onMaxReclaimsReached,
      deadletter: deadletter || definition.deadletter,
    };
    return await this.#change(proc, { ...definition, ...changed }, new Facts());
  }

  /** @throws {LogError} proc_already_disabled, proc_already_active */
  async setStatus(proc: Proc, status: 'active' | 'disabled'): Promise<ProcState> {
    if (proc.definition.status === status)
      throw new LogError(status === 'active' ? 'proc_already_active' : 'proc_already_disabled');
    const facts = new Facts();
    if (status === 'active') proc.forgetReclaims(facts);
    return await this.#change(proc, { status }, facts);
  }

  async #change(proc: Proc, change: Partial<ProcDefinition>, facts: Facts): Promise<ProcState> {
    proc.change(change, facts);
    this.wakeups.proc(proc);
    await this.#store.commit(facts);
    return proc.state;
  }

  async destroy(proc: Proc): Promise<void> {
    const stored = familiesOf(proc.name).flatMap((prefix) => this.#store.list(prefix).map(([key]) => key));
    this.#remove(proc);
    await this.#store.commit({ deletes: [...new Set([...proc.keys, ...stored])] });
  }
}

/** Zero, absent, below or no number at all: the default. */
export function positive(value: number | undefined, otherwise: number): number {
  return value !== undefined && value >= 1 ? Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER) : otherwise;
}

/** Zero or absent: the default. Below zero: no limit. */
function limit(value: number | undefined, otherwise: number): number {
  if (!value) return otherwise;
  return value < 0 ? -1 : positive(value, otherwise);
}
