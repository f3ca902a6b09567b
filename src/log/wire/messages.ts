/**
 * What goes over the wire: requests of a client, one reply to each, and nothing else. Names of types and of errors are
 * those that programs of PipeProc know.
 */

export interface WireRecord {
  readonly topic: string;
  /** An object or a list; whether it is one, the node decides. */
  readonly body: unknown;
}

export interface RangeData {
  readonly topic: string;
  readonly start: string;
  readonly end: string;
  /** At or below zero: all. */
  readonly limit: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

export interface ProcData {
  readonly topic: string;
  readonly name: string;
  readonly offset: string;
  readonly count?: number | undefined;
  readonly maxReclaims?: number | undefined;
  readonly reclaimTimeout?: number | undefined;
  readonly onMaxReclaimsReached?: string | undefined;
  readonly deadletter?: string | undefined;
  readonly maxClaims?: number | undefined;
}

export interface SystemProcData extends Omit<ProcData, 'topic'> {
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** `from` was given as a list, also of one: its procs are called `<name>__<topic>`. */
  readonly isList: boolean;
  /** What `import()` of the node's machine takes: a path, or a URL that holds the code itself. */
  readonly processor: string;
}

/** What can be asked, by type. */
export interface Requests {
  readonly ping: object;
  /** Goodbye: claims that were given out over this connection are free again. Who ends it without is taken for lost. */
  readonly leave: object;
  readonly commit: { readonly records: readonly WireRecord[] };
  readonly get_range: RangeData;
  readonly get_length: { readonly topic: string };
  /** `waitMs`: where there is nothing to do, the reply comes as soon as there is, or with nothing after so long. */
  readonly proc: { readonly proc: ProcData; readonly waitMs: number };
  readonly available_proc: { readonly procs: readonly ProcData[]; readonly waitMs: number };
  readonly system_proc: SystemProcData;
  readonly ack: { readonly name: string; readonly claim?: string | undefined };
  readonly ack_commit: {
    readonly name: string;
    readonly claim?: string | undefined;
    readonly records: readonly WireRecord[];
  };
  readonly reclaim_proc: { readonly name: string; readonly claim?: string | undefined };
  readonly inspect_proc: { readonly name: string };
  readonly destroy_proc: { readonly name: string };
  readonly disable_proc: { readonly name: string };
  readonly resume_proc: { readonly name: string };
  readonly wait_for_procs: { readonly names: readonly string[] };
}

export type RequestType = keyof Requests;

export type RequestOf<T extends RequestType> = {
  readonly [K in T]: { readonly type: K; readonly msgKey: string; readonly data: Requests[K] };
}[T];

export type Request = RequestOf<RequestType>;

/** Types of the replies: when it was done, and when it was not. */
export const REPLIES: Readonly<Record<RequestType, readonly [done: string, failed: string]>> = {
  ping: ['pong', 'ping_error'],
  leave: ['left', 'leave_error'],
  commit: ['commit_completed', 'commit_error'],
  get_range: ['range_reply', 'range_error'],
  get_length: ['length_reply', 'length_error'],
  proc: ['proc_ok', 'proc_error'],
  available_proc: ['available_proc_ok', 'available_proc_error'],
  system_proc: ['system_proc_ok', 'system_proc_error'],
  ack: ['ack_ok', 'ack_error'],
  ack_commit: ['ack_commit_completed', 'ack_commit_error'],
  reclaim_proc: ['reclaim_proc_ok', 'reclaim_proc_error'],
  inspect_proc: ['inspect_proc_reply', 'inspect_proc_error'],
  destroy_proc: ['destroy_proc_ok', 'destroy_proc_error'],
  disable_proc: ['disable_proc_ok', 'disable_proc_error'],
  resume_proc: ['resume_proc_ok', 'resume_proc_error'],
  wait_for_procs: ['procs_completed', 'procs_completed_error'],
};

/** What the names of live procs begin with: a client makes the rest up for itself. */
export const LIVE_PROC = 'liveproc-';
/** The reply to a request of another type, with this as its status too. */
export const UNKNOWN_MESSAGE = 'unknown_message';
/** The status of a request whose fields are not what its type needs. */
export const INVALID_MESSAGE = 'invalid_message';

export interface Reply {
  readonly type: string;
  readonly msgKey: string;
  readonly data?: unknown;
  /** Present when the request failed: the code. */
  readonly errStatus?: string;
  /** More replies to this request follow; their lists belong together. */
  readonly more?: boolean;
  /** What was wrong, for people, where there is more to say than the code. */
  readonly detail?: string;
}
