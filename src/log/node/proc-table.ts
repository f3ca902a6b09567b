import { randomBytes } from 'node:crypto';
import { type CommitResult, type LogStore, type NewRecord, recordId, type StoredRecord } from '../store/store.js';
import { ClaimJournal, Deadlines } from './claim-timers.js';
import { LogError } from './log-error.js';
import type { Claim, DeadLetterFacts, NodeClock, ProcChange, ProcOptions, ProcState } from './log-node.js';
import { checkProcName, checkTopic } from './names.js';
import { Offsets } from './offsets.js';
import { type OpenClaim, type Piece, Proc } from './proc.js';
import { type Facts, familiesOf, type ProcDefinition, procKey } from './proc-facts.js';
import { storedProcs } from './stored-procs.js';
import { TopicEntry } from './topic-entry.js';
import { Wakeups } from './wakeups.js';

export interface ProcTableOptions {
  readonly store: LogStore;
  readonly clock: NodeClock;
  readonly deadLetter: (record: StoredRecord, facts: DeadLetterFacts) => Pick<NewRecord, 'body' | 'headers'>;
  readonly onError: (error: unknown, during: string) => void;
}

const DEFAULT_MAX_RECLAIMS = 10;
const DEFAULT_RECLAIM_TIMEOUT_MS = 10_000;
/** Begins where its topic ends at the time that it is stored. */
const UNTIL_STORED = -1;
const NO_RECORDS: readonly NewRecord[] = [];

/** All topics and procs of a log: gives out claims, ends them, and writes what must outlive the process. */
export class ProcTable {
  readonly #store: LogStore;
  readonly #options: ProcTableOptions;
  readonly #clock: NodeClock;
  readonly #topics = new Map<string, TopicEntry>();
  readonly #procs = new Map<string, Proc>();
  readonly #making = new Map<string, Promise<Proc>>();
  readonly #deadlines: Deadlines;
  readonly #journal: ClaimJournal;
  readonly #offsets: Offsets;
  readonly wakeups: Wakeups;
  /** Tokens of one run of a node have nothing in common with those of another. */
  readonly #run = randomBytes(6).toString('hex');
  #claims = 0;

  constructor(options: ProcTableOptions) {
    const { store, clock, onError } = options;
    this.#options = options;
    this.#store = store;
    this.#clock = clock;
    this.#offsets = new Offsets(store);
    this.wakeups = new Wakeups((error) => onError(error, 'telling a listener'));
    this.#deadlines = new Deadlines(clock, (nowMs) => this.#expire(nowMs));
    this.#journal = new ClaimJournal(clock, (claims) => {
      const facts = noFacts();
      for (const [proc, claim] of claims) proc.store(claim, facts);
      this.#writeBehind(facts, 'writing which claims are out');
    });
    for (const { topic, firstSequence, lastSequence } of store.topics())
      this.#topics.set(topic, new TopicEntry(topic, firstSequence, lastSequence));
    const deadline = (claimedAtMs: number, definition: ProcDefinition): number =>
      this.#deadline(definition, Math.max(0, clock.wallMs() - claimedAtMs));
    for (const proc of storedProcs({ store, topic: (name) => this.topic(name), deadline })) this.#add(proc);
    for (const proc of this.#procs.values())
      for (const { deadlineMs } of proc.claims.values()) this.#deadlines.add(deadlineMs);
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

  /** Records are done: has to be called for all of them, in their order. */
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
  async ensure(topic: string, options: ProcOptions, target?: string): Promise<Proc> {
    const { name } = options;
    const proc = this.#procs.get(name) ?? (await (this.#making.get(name) ?? this.#begin(topic, options, target)));
    if (proc.topic.name !== topic)
      throw new LogError('proc_name_not_unique', `'${proc.name}' is a proc of '${proc.topic.name}'`);
    return proc;
  }

  #begin(topic: string, options: ProcOptions, target: string | undefined): Promise<Proc> {
    const making = this.#make(topic, options, target).finally(() => this.#making.delete(options.name));
    this.#making.set(options.name, making);
    return making;
  }

  async #make(topic: string, options: ProcOptions, target: string | undefined): Promise<Proc> {
    const { name, offset } = options;
    checkTopic(topic);
    // What the node makes itself has its topics in its name, which may be longer.
    if (target === undefined) checkProcName(name);
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
      ...(target === undefined ? {} : { target }),
    };
    await this.#store.commit({ puts: [{ key: procKey(name), value: JSON.stringify(definition) }] });
    if (definition.start !== UNTIL_STORED) return this.#add(new Proc(name, entry, definition));
    // Commits are answered in their order: what is done now was asked for before this proc, all else comes after it.
    definition = { ...definition, start: entry.last + 1 };
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

  /** Up to `max` claims. @throws {LogError} proc_is_disabled */
  async claim(proc: Proc, max: number, count = proc.definition.count): Promise<readonly Claim[]> {
    if (!proc.isActive) throw new LogError('proc_is_disabled', `'${proc.name}' is disabled`);
    const pieces = proc.take(max, count);
    const claims: Claim[] = [];
    for (let at = 0; at < pieces.length; ) {
      let end = at + 1;
      while (end < pieces.length && pieces[end]?.first === (pieces[end - 1]?.last ?? 0) + 1) end++;
      const run = pieces.slice(at, end);
      try {
        claims.push(...(await this.#read(proc, run)));
      } catch (error) {
        proc.putBack(pieces.slice(at));
        if (claims.length > 0) break; // the error comes back with the next claim
        throw error;
      }
      at = end;
    }
    return claims;
  }

  /** Claims pieces that lie behind one another, as far as one read goes. What it throws leaves all of them taken. */
  async #read(proc: Proc, run: readonly Piece[]): Promise<readonly Claim[]> {
    const { topic } = proc;
    const from = run[0]?.first ?? 0;
    const last = run.at(-1)?.last ?? from;
    const records = await this.#store.read(topic.name, { from, limit: last - from + 1 });
    if (records.length === 0) topic.first = this.#store.topic(topic.name)?.firstSequence ?? 0;
    if (records.length === 0 && topic.first <= from) throw new Error(`'${topic.name}' lacks its record :${from}`);
    if (!proc.isActive || proc.isDestroyed) {
      proc.putBack(run);
      return [];
    }
    const claims: Claim[] = [];
    const unread: Piece[] = [];
    let at = 0;
    for (const piece of run) {
      const begin = at;
      while ((records[at]?.sequence ?? Number.POSITIVE_INFINITY) <= piece.last) at++;
      if (at > begin) claims.push(this.#open(proc, piece, records.slice(begin, at)));
      else if (at < records.length || piece.last < topic.first) proc.vanished(piece);
      else unread.push(piece);
    }
    if (unread.length > 0) proc.putBack(unread);
    return claims;
  }

  #open(proc: Proc, piece: Piece, records: readonly StoredRecord[]): Claim {
    const [first, last] = [records[0], records.at(-1)];
    if (!first || !last) throw new RangeError('a claim has one record at least');
    const range = `${recordId(first.timestampMs, first.sequence)}..${recordId(last.timestampMs, last.sequence)}`;
    const token = `${this.#run}-${(++this.#claims).toString(36)}`;
    const open: OpenClaim = {
      first: piece.first,
      last: last.sequence,
      reclaims: piece.reclaims,
      isStored: piece.isStored,
      token,
      range,
      claimedAtMs: this.#clock.wallMs(),
      deadlineMs: this.#deadline(proc.definition, 0),
    };
    proc.claimed(piece, open);
    proc.servedAt = this.#claims;
    this.#deadlines.add(open.deadlineMs);
    // A forwarder lives and dies with the node: what it had claimed is free after a restart.
    if (proc.definition.target === undefined) this.#journal.add(proc, open);
    return { proc: proc.name, topic: proc.topic.name, token, records, range, reclaims: piece.reclaims };
  }

  #deadline({ reclaimTimeout }: ProcDefinition, agedMs: number): number {
    if (reclaimTimeout < 0) return Number.POSITIVE_INFINITY;
    return this.#clock.steadyMs() + Math.max(0, reclaimTimeout - agedMs);
  }

  /** The claim with this token, or the newest. @throws {LogError} */
  out(proc: Proc, token: string | undefined, none: 'invalid_ack' | 'nothing_to_reclaim'): OpenClaim {
    if (token !== undefined) {
      const claim = proc.claims.get(token);
      if (!claim) throw new LogError('stale_claim', `claim ${token} of '${proc.name}' is not out any more`);
      return claim;
    }
    let newest: OpenClaim | undefined;
    for (const claim of proc.claims.values()) newest = claim;
    if (!newest) throw new LogError(none, `'${proc.name}' has no claim out`);
    return newest;
  }

  /** Acknowledges and commits in one batch. The next claim can be made at once: its ack cannot overtake this one. */
  async settle(proc: Proc, claim: OpenClaim, records: readonly NewRecord[] = NO_RECORDS): Promise<CommitResult> {
    const facts = noFacts();
    proc.ack(claim, this.#clock.wallMs(), facts);
    proc.acksInFlight++;
    this.wakeups.proc(proc);
    const { lostAcks } = proc;
    let result: CommitResult;
    try {
      result = await this.#store.commit({ records, ...facts });
    } catch (error) {
      proc.acksInFlight--;
      proc.unack(claim);
      this.#deadlines.add(claim.deadlineMs);
      throw error;
    }
    proc.acksInFlight--;
    proc.acked += claim.last - claim.first + 1;
    this.committed(records, result);
    this.wakeups.proc(proc);
    if (lostAcks !== proc.lostAcks) this.#restate(proc);
    return result;
  }

  /** The store had let this ack wait while one before it was lost: what it stored of the position went too far. */
  #restate(proc: Proc): void {
    const facts = noFacts();
    proc.restate(facts);
    if (!proc.isDestroyed) this.#writeBehind(facts, `correcting the position of '${proc.name}'`);
  }

  /** Gives a claim back, counted. @returns the range that counts as claimed now */
  async reclaim(proc: Proc, claim: OpenClaim, reason: string): Promise<string> {
    if (proc.onLastReclaim(claim) === 'deadletter') {
      await this.#bury(proc, claim, reason);
      return proc.lastClaimedRange;
    }
    const facts = noFacts();
    proc.reclaim(claim, facts);
    const range = proc.lastClaimedRange;
    this.wakeups.proc(proc);
    await this.#store.commit(facts);
    return range;
  }

  async #bury(proc: Proc, claim: OpenClaim, reason: string): Promise<void> {
    const { deadLetter } = this.#options;
    const { first, last, token } = claim;
    try {
      const records: StoredRecord[] = [];
      for await (const page of this.#store.pages(proc.topic.name, { from: first, limit: last - first + 1 }))
        records.push(...page);
      if (proc.claims.get(token) !== claim) return; // it was acknowledged in the meantime
      const letters = records.map((record) => {
        const id = recordId(record.timestampMs, record.sequence);
        const made = deadLetter(record, { reason, proc: proc.name, attempts: claim.reclaims + 1, id });
        return { topic: proc.definition.deadletter, ...made };
      });
      await this.settle(proc, claim, letters);
    } catch (error) {
      // Given out once more instead; the next time it comes back is the next attempt to bury it.
      if (proc.claims.get(token) === claim) this.release(proc, claim);
      throw error;
    }
  }

  release(proc: Proc, claim: OpenClaim): void {
    const facts = noFacts();
    proc.release(claim, facts);
    this.wakeups.proc(proc);
    this.#writeBehind(facts, `giving back a claim of '${proc.name}'`);
  }

  #expire(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const proc of this.#procs.values())
      for (const claim of [...proc.claims.values()]) {
        if (claim.deadlineMs > nowMs) next = Math.min(next, claim.deadlineMs);
        else
          this.reclaim(proc, claim, 'timeout').catch((error: unknown) => {
            this.#options.onError(error, `taking back a claim of '${proc.name}'`);
          });
      }
    return next;
  }

  async update(proc: Proc, change: ProcChange): Promise<ProcState> {
    const { definition } = proc;
    const { count, maxClaims, maxReclaims, reclaimTimeout, onMaxReclaimsReached, deadletter } = change;
    const changed: Partial<ProcDefinition> = {
      count: positive(count, definition.count),
      maxClaims: positive(maxClaims, definition.maxClaims),
      maxReclaims: limit(maxReclaims, definition.maxReclaims),
      reclaimTimeout: limit(reclaimTimeout, definition.reclaimTimeout),
      onMaxReclaimsReached: onMaxReclaimsReached ?? definition.onMaxReclaimsReached,
      deadletter: deadletter || definition.deadletter,
    };
    return await this.#change(proc, { ...definition, ...changed }, noFacts());
  }

  /** @throws {LogError} proc_already_disabled, proc_already_active */
  async setStatus(proc: Proc, status: 'active' | 'disabled'): Promise<ProcState> {
    if (proc.definition.status === status)
      throw new LogError(status === 'active' ? 'proc_already_active' : 'proc_already_disabled');
    const facts = noFacts();
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

  /** No timer runs on; what is claimed is written. */
  stop(): void {
    this.#deadlines.stop();
    this.#journal.stop();
  }

  #writeBehind(facts: Facts, what: string): void {
    if (facts.puts.length + facts.deletes.length === 0) return;
    this.#store.commit(facts).catch((error: unknown) => this.#options.onError(error, what));
  }
}

function noFacts(): Facts {
  return { puts: [], deletes: [] };
}

/** Zero, absent or below: the default. */
function positive(value: number | undefined, otherwise: number): number {
  return value !== undefined && value >= 1 ? Math.floor(value) : otherwise;
}

/** Zero or absent: the default. Below zero: no limit. */
function limit(value: number | undefined, otherwise: number): number {
  if (!value) return otherwise;
  return value < 0 ? -1 : Math.floor(value);
}
