import type { Logger } from '../../support/index.js';

/**
 * When a commit counts as done: after `fdatasync` of its group; after the write, with a sync at most every `intervalMs`
 * milliseconds; or after the write alone. The last two survive a crash of the process, not of the machine.
 */
export type SyncPolicy = 'always' | 'never' | { readonly intervalMs: number };

export interface StoreOptions {
  /** @default 'always' */
  readonly sync?: SyncPolicy;
  /** A segment that has reached this many bytes is sealed and the next one begun. @default 64 MiB */
  readonly segmentBytes?: number;
  /** Bytes of commits that are encoded and not yet done; what comes on top waits its turn. @default 16 MiB */
  readonly maxInFlightBytes?: number;
  /** Milliseconds since 1970. Ids never go backwards, whatever it says. @default Date.now */
  readonly nowMs?: () => number;
  /** Told of cut tails, stale locks and lost sidecars. @default silent */
  readonly logger?: Logger;
}

export interface NewRecord {
  /** 1 to 1,000 bytes of UTF-8, any characters. A topic exists from its first record. */
  readonly topic: string;
  /** Opaque; must not change until the commit is done. */
  readonly body: Uint8Array;
  /** Opaque as well: what a reader wants to see without opening the body. @default none */
  readonly headers?: Uint8Array;
}

/** One small keyed fact beside the records: a position, a claim, a definition. All of them are kept in memory. */
export interface Put {
  /** 1 to 65,535 bytes of UTF-8. Prefixes make families: `proc/a`, `proc/b`. */
  readonly key: string;
  readonly value: string;
}

/** What is written as one: after a crash all of it is there or nothing. At most 64 MiB, encoded. */
export interface Batch {
  readonly records?: readonly NewRecord[];
  readonly puts?: readonly Put[];
  /** Keys to forget. Carried out after the puts. */
  readonly deletes?: readonly string[];
}

export interface CommitResult {
  /** One for the whole batch; never less than that of an earlier batch of this store. */
  readonly timestampMs: number;
  /** Of the records, in the order given; each counts in its own topic, from 0, without gaps. */
  readonly sequences: readonly number[];
}

/** Who is told what became of a batch: one of both, once, and never within the call. What it throws is nobody's. */
export interface Receipt {
  stored(result: CommitResult): void;
  /** With what `commit` rejects with. */
  refused(error: Error): void;
}

/** The id of a record as people see it. */
export function recordId(timestampMs: number, sequence: number): string {
  return `${timestampMs}-${sequence}`;
}

export interface StoredRecord {
  readonly sequence: number;
  readonly timestampMs: number;
  /** A view on a block that was read for many records: copy what is kept for long. */
  readonly body: Buffer;
  /** Empty where none were given. */
  readonly headers: Buffer;
}

export interface ReadOptions {
  /** Sequence of the first record wanted. What was dropped is passed over. @default the first; in reverse the last */
  readonly from?: number;
  /** Records. @default no limit */
  readonly limit?: number;
  /** Stop after about so many bytes of log were read, yet with one record at least if there is one. @default 1 MiB */
  readonly maxBytes?: number;
  /** From `from` downwards. */
  readonly reverse?: boolean;
}

/** A topic as it is on disk now. An empty one has `lastSequence === firstSequence - 1`. */
export interface TopicState {
  readonly topic: string;
  /** Of the oldest record that was not dropped. */
  readonly firstSequence: number;
  /** Of the newest record ever committed, also when it was dropped; -1 before the first. */
  readonly lastSequence: number;
  /** Of the newest record ever committed; 0 before the first. */
  readonly lastTimestampMs: number;
  /** Records that were not dropped. */
  readonly length: number;
}

export interface CompactOptions {
  /** What of the bytes of segments must be waste to be worth the work: above 0, at most 1. @default 0.5 */
  readonly wasteShare?: number;
  /** The least that has to be gained where one new segment is written. @default a 64th of a whole segment */
  readonly minFreedBytes?: number;
  /** Seals first the segment that is written to, so that it takes part, if that is worth it. @default false */
  readonly seals?: boolean;
  /** Breaks it off: what is done by then stays done. */
  readonly signal?: AbortSignal;
  /** Told of bytes of segments that were gone through. */
  readonly onCopied?: (bytes: number) => void;
}

export interface CompactResult {
  /** There are now. */
  readonly segments: number;
  /** Those whose records were copied into others. */
  readonly rewritten: number;
  /** Of all segments, as they are now. */
  readonly bytes: number;
  /** Less than before. */
  readonly freedBytes: number;
}

export interface StoreStats {
  readonly segments: number;
  /** Of all segments, without what is allocated ahead. */
  readonly bytes: number;
  /** Since the store was opened. */
  readonly commits: number;
  readonly syncs: number;
  /** Encoded and not done, or waiting for their turn. */
  readonly inFlight: number;
  /** The disk has no room: records are refused, what gives room back is written. */
  readonly isFull: boolean;
}

/**
 * A durable log of all topics in one folder, for one process at a time.
 *
 * What a commit wrote is visible to `read`, `topic`, `get` and `list` once it is done, and not before: nobody acts on what
 * a crash could still take back. Commits are carried out in the order of the calls; those that come together are written
 * and synced together. Reads hold up no commit.
 *
 * After `close()` every call rejects, or throws, with StoreClosedError.
 */
export interface LogStore {
  readonly folder: string;
  /**
   * Writes a batch. Resolves once it is as safe as the sync policy asks. A batch of nothing resolves without writing.
   * @throws {RangeError} for a topic, key or batch of a wrong size; nothing is written
   * @throws {DiskFullError} this batch was not written, later ones may be; for batches without records room is kept
   * @throws {StoreFailedError} the disk failed; this and every later commit is refused, reads go on
   */
  commit(batch: Batch): Promise<CommitResult>;
  /** As `commit`, for who has thousands a second: there is no promise to be made. */
  submit(batch: Batch, receipt: Receipt): void;
  /** True while commits wait because too many bytes are in flight: a good moment to stop reading from clients. */
  readonly congested: boolean;
  /** Resolves when no commit waits for its turn. */
  drained(): Promise<void>;
  /** Resolves when everything committed before the call is written and synced, whatever the policy. */
  flush(): Promise<void>;

  /**
   * Records of one topic, in order; fewer than asked for when `maxBytes` was reached. Go on from the sequence after (in
   * reverse: before) the last one; an empty answer is the end. An unknown topic is empty.
   * @throws {CorruptionError} what is stored there does not match its checksum, or is missing
   */
  read(topic: string, options?: ReadOptions): Promise<readonly StoredRecord[]>;
  /** Pages of `read` until the end or `limit`. */
  pages(topic: string, options?: ReadOptions): AsyncGenerator<readonly StoredRecord[], void, undefined>;
  /** Sequence of the first record with a timestamp of at least `timestampMs`; after the last one when there is none. */
  sequenceAt(topic: string, timestampMs: number): Promise<number>;
  /** Undefined before the first record of the topic. */
  topic(name: string): TopicState | undefined;
  /** By name. Topics whose records were all dropped stay. */
  topics(): readonly TopicState[];

  get(key: string): string | undefined;
  /** Keys that begin with `prefix` and their values, by key. O(all keys). */
  list(prefix: string): readonly (readonly [key: string, value: string])[];

  /**
   * Forgets the records of a topic before a sequence, durably, and deletes the segments that hold no record and no fact
   * any more. Sequences go on and are never given again. @returns how many records went
   */
  drop(topic: string, beforeSequence: number): Promise<number>;

  /**
   * What to drop so that about `bytes` bytes can be freed, the oldest first: by topic, the sequence before which all would
   * have to go. The segment that is written to stays. @param keepFrom for a topic, from where on nothing may go
   */
  oldest(bytes: number, keepFrom: (topic: string) => number): ReadonlyMap<string, number>;
  /**
   * Writes sealed segments of which little is needed any more anew, without what was dropped and without facts that are
   * past; topics, sequences and timestamps stay. Commits and reads go on. Joins one that is running.
   * @throws {CorruptionError} a segment is damaged: it is left as it is, the others are done
   * @throws {DiskFullError} no room for the copy, which is gone again
   */
  compact(options?: CompactOptions): Promise<CompactResult>;

  stats(): StoreStats;
  /** Finishes the commits in hand, syncs, leaves a checkpoint, gives up the lock. Idempotent. */
  close(): Promise<void>;
}
