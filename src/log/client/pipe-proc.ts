import type { ProcOptions, ProcState } from '../node/log-procs.js';
import type { RangeOptions } from '../node/log-records.js';
import type { SyncPolicy } from '../store/store.js';
import type { TlsFiles } from '../wire/index.js';

/** `<ms>-<sequence>`: when it was committed, and its place in its topic. */
export type Id = string;

/** What is committed; `body` is an object or an array, `topic` letters, digits, `_` and `-`. */
export interface NewLog {
  readonly topic: string;
  readonly body: object;
}

/** A record as it is read. What a proc gave has a `claim` as well, which is not enumerable. */
export interface Rec<T = object> {
  readonly id: Id;
  readonly body: T;
  readonly claim?: string;
}

interface Place {
  /** Nodes of one machine and user by name. @default 'default' */
  readonly namespace?: string;
  /** Wins over `namespace`. */
  readonly tcp?: { readonly host: string; readonly port: number } | false;
  /** `ipc:///path` or `tcp://host:port`; wins over `tcp`. */
  readonly socket?: string;
}

export interface SpawnOptions extends Place {
  /** Only over TCP; then every client must show a certificate. */
  readonly tls?: { readonly server: TlsFiles; readonly client: TlsFiles } | false;
  /** Nothing is written. @default false */
  readonly memory?: boolean;
  /** Folder of the log. @default '.msgflo/log' */
  readonly location?: string;
  /** When a commit counts as done. @default 'always' */
  readonly sync?: SyncPolicy;
  /** Processes that run processors; 0: none. @default 1 */
  readonly workers?: number;
  /** Processors that one worker runs at once. @default 1 */
  readonly workerConcurrency?: number;
  /** Executions after which a worker is replaced; 0: never. @default 0 */
  readonly workerRestartAfter?: number;
  /** Collection of old records; milliseconds. @default false */
  readonly gc?: boolean | { readonly minPruneTime?: number; readonly interval?: number };
}

export interface ConnectOptions extends Place {
  /** The node of a folder: of `.msgflo`, as `msgflo` has it there, or of the location of one that was spawned. Wins over all. */
  readonly folder?: string;
  /** For a node that asks for one. */
  readonly token?: string;
  readonly tls?: TlsFiles | false;
  /** Milliseconds. @default 1000 */
  readonly timeout?: number;
}

export interface SystemProcOptions extends ProcOptions {
  readonly from: string | readonly string[];
  readonly to?: string | readonly string[];
  /** Path of a module, or a function that is sent as text: it sees its arguments and globals only. */
  readonly processor: string | Processor;
}

/** Gives what is to be committed by `done` or by a promise; an error gives the records back for another try. */
export type Processor = {
  // A method: its parameters may be narrower than what is said here, since the author knows the records.
  call(log: Rec | Rec[], done: (error: Error | null, data?: object | object[]) => void): unknown;
}['call'];

export interface AvailableProc extends ProcOptions {
  readonly topic: string;
}

export interface LiveProcOptions {
  readonly topic: string;
  /** `all` from the first record of the topic, `live` what is committed from now on. */
  readonly mode: 'all' | 'live';
  /** Records at a time, at most. @default 1 */
  readonly count?: number;
}

/** Gets records or an error; goes on after `next()`, or when the promise that it returned is settled. */
export type OnChanges = (this: LiveProc, error: Error | null, log: Rec | Rec[] | null, next: () => void) => unknown;

/** Follows a topic in this process. Whoever gets records acknowledges them, or reclaims. */
export interface LiveProc {
  /** Begins. Once for each live proc. */
  changes(callback: OnChanges): LiveProc;
  inspect(): Promise<ProcState>;
  destroy(): Promise<ProcState>;
  disable(): Promise<ProcState>;
  resume(): Promise<ProcState>;
  reclaim(): Promise<string>;
  ack(): Promise<string>;
  ackCommit<R extends NewLog | readonly NewLog[]>(record: R): Promise<AckCommitted<R>>;
  /** Stops; nothing of it is left on the node. */
  cancel(): Promise<void>;
}

/** One id for one record, a list for a list. */
export type Ids<R> = R extends readonly unknown[] ? Id[] : Id;

export interface AckCommitted<R> {
  /** `<first>..<last>` of what was acknowledged. */
  readonly ackedLogId: string;
  readonly id: Ids<R>;
}

/**
 * The log for programs, as the package `pipeproc` has it. Calls reject with LogCallError: its `code` and `message` are the
 * plain codes (`invalid_proc`, `proc_is_disabled`, ...). `connection_lost`: whether it was done is unknown. What changes
 * nothing is asked again instead.
 */
export interface PipeProcClient {
  /** Starts a node in a process of its own, which ends with this one, and connects to it. */
  spawn(options?: SpawnOptions): Promise<'spawned_and_connected' | 'node_already_active'>;
  connect(options?: ConnectOptions): Promise<'connected' | 'already_connected'>;
  /** Ends the node that this client spawned, after its queued writes; otherwise leaves. @throws `no_active_node` */
  shutdown(): Promise<'closed' | 'disconnected'>;
  /** Resolves when all of it is on disk, or nothing. */
  commit<R extends NewLog | readonly NewLog[]>(records: R): Promise<Ids<R>>;
  range(topic: string, options?: RangeOptions): Promise<Rec[]>;
  /** Newest first; `start` is the newer bound. */
  revrange(topic: string, options?: RangeOptions): Promise<Rec[]>;
  length(topic: string): Promise<number>;
  /** Null when there is nothing to do, or when a claim is out. */
  proc(topic: string, options: ProcOptions): Promise<null | Rec | Rec[]>;
  availableProc(list: readonly AvailableProc[]): Promise<undefined | { procName: string; log: Rec | Rec[] }>;
  systemProc(options: SystemProcOptions): Promise<ProcState | ProcState[]>;
  /** Without `claim` (of what the proc gave) the newest claim is meant. Resolves with `<first>..<last>`. */
  ack(name: string, claim?: string): Promise<string>;
  /** Acknowledges and commits in one write. */
  ackCommit<R extends NewLog | readonly NewLog[]>(name: string, records: R, claim?: string): Promise<AckCommitted<R>>;
  reclaim(name: string, claim?: string): Promise<string>;
  reclaimProc(name: string, claim?: string): Promise<string>;
  inspectProc(name: string): Promise<ProcState>;
  destroyProc(name: string): Promise<ProcState>;
  disableProc(name: string): Promise<ProcState>;
  resumeProc(name: string): Promise<ProcState>;
  liveProc(options: LiveProcOptions): LiveProc;
  /** Resolves when the named procs, or all active ones, have acknowledged what there is. */
  waitForProcs(names?: string | readonly string[]): Promise<void>;
}
