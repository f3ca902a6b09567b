import type { NewRecord, Put, StoredRecord, StoreStats, TopicState } from '../store/store.js';

export interface RangeOptions {
  /** `""` the outermost record, `<ms>-<seq>` an id, `<ms>` all of that millisecond, `:<seq>` a sequence. @default "" */
  readonly start?: string;
  /** As `start`. @default "" */
  readonly end?: string;
  /** Records; zero or less: all. @default all */
  readonly limit?: number;
  /** Without the bounds themselves, where they are ids or sequences. @default false */
  readonly exclusive?: boolean;
}

/** What becomes of a claim that came back too often: the proc stops, goes on for ever, or gives the records to a topic. */
export type ReclaimStrategy = 'disable' | 'continue' | 'deadletter';

/** Zero or absent numbers mean the default. They count when the proc is made; later only `count` is looked at. */
export interface ProcOptions {
  /** 1 to 200 characters, none of them a control character. */
  readonly name: string;
  /** `>` from the first record, `$>` what is committed from now on, an id, `<ms>` or `:<seq>`: what comes after it. */
  readonly offset: string;
  /** Records of one claim, at most. @default 1 */
  readonly count?: number;
  /** Times that one claim may come back; below zero: no limit. @default 10 */
  readonly maxReclaims?: number;
  /** Milliseconds until a claim comes back by itself; below zero: never. @default 10000 */
  readonly reclaimTimeout?: number;
  /** @default 'disable' */
  readonly onMaxReclaimsReached?: ReclaimStrategy;
  /** Topic for the strategy `deadletter`. @default `dead-<topic>` */
  readonly deadletter?: string;
  /** Claims out at once. @default 1 */
  readonly maxClaims?: number;
}

export interface ProcState {
  readonly name: string;
  readonly topic: string;
  readonly offset: string;
  readonly status: 'active' | 'disabled';
  /** Milliseconds since 1970, as the next two; 0 before the first. */
  readonly createdAt: number;
  readonly lastClaimedAt: number;
  readonly lastAckedAt: number;
  /** `""` or `<id>..<id>`, also for one record; as the next two. */
  readonly lastClaimedRange: string;
  readonly previousClaimedRange: string;
  readonly lastAckedRange: string;
  /** Of the claim that came back most often since it was acknowledged. */
  readonly reclaims: number;
  readonly maxReclaims: number;
  /** Milliseconds; -1: never. */
  readonly reclaimTimeout: number;
  readonly onMaxReclaimsReached: ReclaimStrategy;
  readonly count: number;
  readonly maxClaims: number;
  readonly deadletter: string;
  /** Records that nobody holds and that are not acknowledged. */
  readonly ready: number;
  /** Records that are claimed now. */
  readonly unacked: number;
  /** Sequence of the first record that is not acknowledged. */
  readonly position: number;
  /** Records acknowledged since the node was opened. */
  readonly acked: number;
}

/** Records given to one consumer, until it acknowledges or gives them back, or the time is over. */
export interface Claim {
  readonly proc: string;
  readonly topic: string;
  /** Names this claim and no other, also over restarts; pass it to `ack`, `ackCommit`, `reclaim` and `release`. */
  readonly token: string;
  /** One at least. Bodies are views: copy what is kept for long. */
  readonly records: readonly StoredRecord[];
  /** `<id>..<id>` */
  readonly range: string;
  /** How often these records came back before. */
  readonly reclaims: number;
  /** They may have been given out before: they came back, or the process was killed when they may have been out. */
  readonly isRepeated: boolean;
}

export interface AckCommitResult {
  /** `<id>..<id>` of what was acknowledged. */
  readonly ackedRange: string;
  /** Of the new records, in the order given. */
  readonly ids: readonly string[];
}

/** Copies what comes to one topic to another, in the same commit; lives on disk. */
export interface TopicBinding {
  readonly source: string;
  readonly target: string;
  /** What it is called; two of different kinds between the same topics are two bindings and one copy. */
  readonly kind: string;
}

/** How a proc stands, in records. */
export interface Backlog {
  /** That nobody holds and that are not acknowledged. */
  readonly ready: number;
  /** Claimed now. */
  readonly unacked: number;
  /** That ever came to its topic. */
  readonly taken: number;
  /** Acknowledged since the node was opened. */
  readonly acked: number;
}

/** The oldest record of a proc that nobody holds. */
export interface Peek {
  readonly sequence: number;
  readonly timestampMs: number;
}

/** Small facts of those who build on the node, kept in the log beside its own. */
export interface LogFacts {
  get(key: string): string | undefined;
  /** By key. O(all facts of the log). */
  list(prefix: string): readonly (readonly [key: string, value: string])[];
  /** In one batch. Resolves when they are as safe as records. */
  write(puts: readonly Put[], deletes?: readonly string[]): Promise<void>;
}

/** A processor as it was defined; who runs it is not the node's affair. */
export interface ProcessorDefinition {
  readonly name: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Its procs are called `<name>__<topic>` even if there is only one. @default false: one is called as the processor */
  readonly isList?: boolean;
  /** Path of a module, or the text of a function. */
  readonly processor: string;
  /** Of its procs, besides name. */
  readonly options: Omit<ProcOptions, 'name'>;
}

export interface InqueueOptions {
  /** The sum of what its consumers may hold. @default 1 */
  readonly maxClaims?: number;
  /** Topic of its dead letters. @default `dead-<queue>` */
  readonly deadletter?: string;
  readonly maxReclaims?: number;
  readonly reclaimTimeout?: number;
}

/** What may change while a proc lives. */
export type ProcChange = Partial<
  Pick<ProcOptions, 'count' | 'maxClaims' | 'maxReclaims' | 'reclaimTimeout' | 'onMaxReclaimsReached' | 'deadletter'>
>;

export interface NodeStats extends StoreStats {
  readonly topics: number;
  readonly procs: number;
  /** Claims that are out. */
  readonly claims: number;
}

/** Takes a listener away again. Idempotent. */
export type Unsubscribe = () => void;

/** Records: in and out, by topic. */
export interface LogRecords {
  /** Resolves with the ids, in the order given, when all are as safe as the sync policy asks. */
  commit(records: readonly NewRecord[]): Promise<readonly string[]>;
  /** True while commits pile up: a good moment to stop reading from clients, until `drained()` resolves. */
  readonly congested: boolean;
  drained(): Promise<void>;

  /** Everything wanted, in one array: for large answers take `pages`. */
  range(topic: string, options?: RangeOptions): Promise<readonly StoredRecord[]>;
  /** Newest first; `start` is the newer bound. */
  revrange(topic: string, options?: RangeOptions): Promise<readonly StoredRecord[]>;
  /** As `range`, about 1 MiB at a time. */
  pages(
    topic: string,
    options?: RangeOptions & { readonly reverse?: boolean },
  ): AsyncGenerator<readonly StoredRecord[], void, undefined>;
  /** Records stored now. */
  length(topic: string): Promise<number>;
  /** From a sequence on, at most about 1 MiB; for those who follow a topic without a proc. Empty: nothing yet. */
  read(topic: string, from: number, limit?: number): Promise<readonly StoredRecord[]>;
  topics(): readonly TopicState[];
}

/**
 * What consumers do with procs. Claims outlive a restart, with their tokens and what is left of their time. Those that were
 * out for a few milliseconds when the process was killed are free again: a late ack of them is stale.
 */
export interface LogClaims {
  /** The next claim; makes the proc if there is none. Undefined: nothing to do, or as many claims are out as may be. */
  proc(topic: string, options: ProcOptions): Promise<Claim | undefined>;
  /** Makes the proc without claiming; one that exists stays as it is. */
  ensureProc(topic: string, options: ProcOptions): Promise<ProcState>;
  /** Up to `max` claims of a proc that exists, in one read; none when there is nothing to do. */
  claim(name: string, max: number): Promise<readonly Claim[]>;
  /** Of one of these: those that do not exist yet first, then those served longest ago. */
  availableProc(
    procs: readonly { readonly topic: string; readonly options: ProcOptions }[],
  ): Promise<Claim | undefined>;
  /** Without a token the newest claim is meant; so in the next ones. Resolves with `<id>..<id>`. */
  ack(name: string, token?: string): Promise<string>;
  /** Acknowledges and commits as one: both are stored or neither. */
  ackCommit(name: string, records: readonly NewRecord[], token?: string): Promise<AckCommitResult>;
  /** As `ackCommit`, and as `ack` without records, for who wants neither range nor ids: nothing is made of them. */
  settle(name: string, token: string, records: readonly NewRecord[]): Promise<unknown>;
  /** Gives a claim back, counted. Resolves with the range that now counts as claimed, `""` before the first ack. */
  reclaim(name: string, token?: string, reason?: string): Promise<string>;
  /** The first record that nobody holds of those from one sequence to another. For procs with claims of one record. */
  claimWithin(name: string, from: number, to: number): Promise<Claim | undefined>;
  /** What `claim` would give first. */
  peek(name: string): Promise<Peek | undefined>;
  /** Tokens of the claims that are out, oldest first. */
  outstanding(name: string): readonly string[];
  /** Gives a claim back without counting it, for a consumer that leaves in peace. False: the claim was not out any more. */
  release(name: string, token: string): boolean;
}

/** Procs as those see them who look after them. */
export interface LogProcs {
  inspectProc(name: string): ProcState;
  listProcs(): readonly ProcState[];
  /** Cheaper than `inspectProc`; undefined for one that does not exist. */
  backlog(name: string): Backlog | undefined;
  /** Records that nobody holds and that are not acknowledged; 0 for a proc that does not exist. Cheap. */
  ready(name: string): number;
  /** Names of the procs of a topic. */
  readers(topic: string): readonly string[];
  isRead(topic: string): boolean;
  updateProc(name: string, change: ProcChange): Promise<ProcState>;
  disableProc(name: string): Promise<ProcState>;
  resumeProc(name: string): Promise<ProcState>;
  destroyProc(name: string): Promise<void>;
  /** Resolves when the named procs that are active, or all of them, have acknowledged all there is for them. */
  waitForProcs(names?: readonly string[], signal?: AbortSignal): Promise<void>;
}

/** Being told instead of asking again and again. */
export interface LogNotices {
  /**
   * Tells of a proc that may have work: a claim is worth a try. Told at once if it has, then whenever something was
   * committed, came back or was acknowledged; many such things of one turn are told once. The proc need not exist yet.
   */
  onWork(proc: string, listener: () => void): Unsubscribe;
  /** Resolves when one of these procs has work. @throws the signal's reason */
  nextWork(procs: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Tells the newest sequence of a topic whenever there are new records; once for many of one turn. */
  onRecords(topic: string, listener: (lastSequence: number) => void): Unsubscribe;
  /** Tells of each record of a topic as it was committed, copies too, once it is safe. In the turn of the commit: be quick. */
  onCommit(topic: string, listener: (record: NewRecord) => void): Unsubscribe;
}

/** Processors as they are defined. */
export interface LogProcessors {
  /** Keeps the definition and makes its procs: `name`, or `name__topic` for each of several topics. Idempotent. */
  systemProc(definition: ProcessorDefinition): Promise<readonly ProcState[]>;
  processors(): readonly ProcessorDefinition[];
  /** Tells of every new definition. */
  onProcessor(listener: (definition: ProcessorDefinition) => void): Unsubscribe;
  /** Tells of every one that is forgotten. */
  onProcessorRemoved(listener: (definition: ProcessorDefinition) => void): Unsubscribe;
  /** Forgets a definition and destroys its procs. */
  removeProcessor(name: string): Promise<void>;
}

/** What makes topics queues of a transport. */
export interface LogBindings {
  /**
   * What is committed to `source` from now on goes to `target` as well, and on to what is bound to that, in the same batch
   * and each record once. Idempotent, as is `unbind`.
   */
  bind(binding: TopicBinding): Promise<void>;
  unbind(binding: TopicBinding): Promise<void>;
  bindings(): readonly TopicBinding[];
  /**
   * The topic gets a copy of everything that comes, directly or by bindings, to topics that one of these filters matches
   * (`matchesFilter`); each copy says where it comes from (`readHeaders`). Replaces what was said before; none ends it.
   */
  subscribe(target: string, filters: readonly string[]): Promise<void>;
  subscription(target: string): readonly string[];
  /** Topics that get copies of what is committed to this one. */
  targets(source: string): readonly string[];
  /** The proc `in:<queue>` with strategy `deadletter`; one that exists takes over the options given. */
  inqueue(queue: string, options?: InqueueOptions): Promise<ProcState>;
}

/**
 * The log as its clients see it: records by id, procs with claims, bindings. In this process; sockets are the door's.
 *
 * What a call refuses rejects, or throws, as LogError with the plain codes; what the disk refuses as the store's errors.
 * Writes reach the log in the order of the calls, whatever is awaited. Every topic of 1 to 200 characters will do: whether
 * a name or a body is fit for an API is checked at the door (`isTopicName`, `isObjectText`).
 * After close() every call rejects with StoreClosedError.
 */
export interface LogNode extends LogRecords, LogClaims, LogProcs, LogNotices, LogProcessors, LogBindings {
  /** Forgets at once what `gc` and `keepMs` say; joins a collection that is running. @returns how many records went */
  collect(): Promise<number>;
  /** Forgets at once what all procs of a topic have acknowledged. @returns how many records went */
  trim(topic: string): Promise<number>;
  readonly facts: LogFacts;
  stats(): NodeStats;
  /** Stops forwarders and timers, writes which claims are out, closes the store. Idempotent. */
  close(): Promise<void>;
}

/** Time, as the node sees it. */
export interface NodeClock {
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Milliseconds that never go back. */
  steadyMs(): number;
  /** Calls once, unless called off. */
  after(delayMs: number, work: () => void): () => void;
}

/** What a dead letter is made from. */
export interface DeadLetterFacts {
  readonly reason: string;
  readonly proc: string;
  /** How often it was given out. */
  readonly attempts: number;
  readonly id: string;
}

export interface LogNodeOptions {
  /** Collection of old records and, with it, compaction of segments of which little is needed. @default off */
  readonly gc?: {
    /** How old a record must be to go. @default 30000 */
    readonly minPruneTimeMs?: number;
    /** @default 30000 */
    readonly intervalMs?: number;
    /**
     * Of the log on disk: when it is larger, the oldest records go whatever their age, down to what a proc may still want
     * and what lies in the segment that is written to. @default no bound
     */
    readonly maxBytes?: number;
  };
  /** Topics whose records go after so many milliseconds, read or not. @default none */
  readonly keepMs?: Readonly<Record<string, number>>;
  /**
   * False: records that nobody needs are not kept. Of topics that no proc reads only the copies are stored, and ids say
   * nothing; what all procs of a topic have acknowledged goes soon. @default true
   */
  readonly history?: boolean;
  /** Makes the body and headers of a dead letter. @default `{reason, proc, attempts, id, body}`, headers as they were */
  readonly deadLetter?: (record: StoredRecord, facts: DeadLetterFacts) => Pick<NewRecord, 'body' | 'headers'>;
  /** @default the machine's */
  readonly clock?: NodeClock;
  /** Told what goes wrong while nobody waits for an answer. */
  readonly onError?: (error: unknown, during: string) => void;
}
