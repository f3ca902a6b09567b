import type { WholeBatch } from './encoder.js';
import type { Chunk, Segment } from './segment.js';
import type { CommitResult, Receipt } from './store.js';
import type { TopicLog } from './topic-log.js';

/** A part of a chunk that one group fills. */
export interface Piece {
  readonly chunk: Chunk;
  readonly from: number;
  to: number;
}

/** One commit on its way: what it asks for, who is to be told, and, once it is encoded, what. */
export interface Pending {
  readonly batch: WholeBatch;
  /** As measured. */
  readonly bytes: number;
  readonly receipt: Receipt;
  result: CommitResult | undefined;
}

/** Commits that are written and synced together, and what becomes of them. */
export class Group {
  readonly segment: Segment;
  /** Offset in the segment. */
  readonly start: number;
  readonly pieces: Piece[] = [];
  readonly topics: TopicLog[] = [];
  readonly puts: (readonly [key: string, value: string | undefined])[] = [];
  readonly drops: (readonly [topic: TopicLog, beforeSequence: number])[] = [];
  /** Of the first frame: its checksum waits until it is known whether all before it is synced. */
  firstFrameBytes = 0;
  bytes = 0;
  #lastSequences: readonly number[] = [];
  #lastTimestamps: readonly number[] = [];
  readonly #pending: Pending[] = [];

  constructor(segment: Segment, start: number) {
    this.segment = segment;
    this.start = start;
  }

  get end(): number {
    return this.start + this.bytes;
  }

  get commits(): number {
    return this.#pending.length;
  }

  add(pending: Pending): void {
    this.#pending.push(pending);
  }

  /** No commit will be added. Notes where the topics stand: later groups move on while this one is written. */
  seal(): void {
    this.#lastSequences = this.topics.map((topic) => topic.nextSequence - 1);
    this.#lastTimestamps = this.topics.map((topic) => topic.nextTimestampMs);
  }

  /** Makes everything visible. */
  apply(facts: Map<string, string>): void {
    this.segment.end = this.end;
    for (const [at, topic] of this.topics.entries()) {
      topic.last = this.#lastSequences[at] ?? topic.last;
      topic.lastTimestampMs = this.#lastTimestamps[at] ?? topic.lastTimestampMs;
    }
    for (const [topic, before] of this.drops) topic.dropBefore(before);
    for (const [key, value] of this.puts) {
      if (value === undefined) facts.delete(key);
      else facts.set(key, value);
    }
  }

  resolveAll(): void {
    for (const { receipt, result } of this.#pending)
      try {
        if (result) receipt.stored(result);
      } catch (error) {
        throwLater(error);
      }
  }

  rejectAll(error: Error): void {
    for (const { receipt } of this.#pending) refuse(receipt, error);
  }
}

/** Of a commit that is not in a group. */
export function refuse(receipt: Receipt, error: Error): void {
  try {
    receipt.refused(error);
  } catch (thrown) {
    throwLater(thrown);
  }
}

/** One receipt that throws keeps no other from being told. */
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
