import type { NewRecord, Receipt, StoredRecord } from '../store/store.js';
import type { ProcOptions, ProcState } from './log-procs.js';

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

/** The oldest record of a proc that nobody holds. */
export interface Peek {
  readonly sequence: number;
  readonly timestampMs: number;
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
  /** As `ackCommit`, and as `ack` without records, for who settles thousands a second: there is no promise to be made. */
  settle(name: string, token: string, records: readonly NewRecord[], receipt: Receipt): void;
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
