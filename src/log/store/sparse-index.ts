/**
 * Where some records of one topic lie in one segment: pairs of a sequence and the offset of the frame that holds it, at
 * most one per `INDEX_EVERY_BYTES` of the segment. Eight bytes each, so that 10 million records fit in little memory.
 */
export class SparseIndex {
  readonly firstSequence: number;
  lastSequence: number;
  readonly firstTimestampMs: number;
  lastTimestampMs: number;
  /** Of these records in the segment, with what belongs to none of them alone: their frames, the name. */
  bytes = 0;
  #pairs: Uint32Array;
  #used: number;

  constructor(first: { readonly sequence: number; readonly timestampMs: number }, pairs?: Uint32Array) {
    this.firstSequence = first.sequence;
    this.lastSequence = first.sequence;
    this.firstTimestampMs = first.timestampMs;
    this.lastTimestampMs = first.timestampMs;
    this.#pairs = pairs ?? new Uint32Array(8);
    this.#used = pairs?.length ?? 0;
  }

  /** One that was stored. */
  static restore(stored: StoredSparseIndex): SparseIndex {
    const { firstSequence: sequence, firstTimestampMs: timestampMs } = stored;
    const index = new SparseIndex({ sequence, timestampMs }, stored.pairs);
    index.lastSequence = stored.lastSequence;
    index.lastTimestampMs = stored.lastTimestampMs;
    index.bytes = stored.bytes;
    return index;
  }

  /** Tells of the next record of the topic: the frame at `offset` holds it, in so many bytes. */
  add(sequence: number, offset: number, timestampMs: number, bytes: number): void {
    this.bytes += bytes;
    this.lastSequence = sequence;
    this.lastTimestampMs = timestampMs;
    if (this.#used > 0 && offset - this.#offset(this.#used - 2) < INDEX_EVERY_BYTES) return;
    if (this.#used === this.#pairs.length) {
      const larger = new Uint32Array(Math.max(8, this.#used * 2));
      larger.set(this.#pairs);
      this.#pairs = larger;
    }
    this.#pairs[this.#used] = sequence - this.firstSequence;
    this.#pairs[this.#used + 1] = offset;
    this.#used += 2;
  }

  /** Forgets what was told of records after `sequence`, which is one of this index. */
  cutAfter(sequence: number, timestampMs: number): void {
    this.bytes -= this.bytesFrom(sequence + 1);
    this.lastSequence = sequence;
    this.lastTimestampMs = timestampMs;
    while (this.#used > 2 && this.sequenceAt(this.#used / 2 - 1) > sequence) this.#used -= 2;
  }

  /** Bytes of the records from `sequence` on, as if all were of one size. */
  bytesFrom(sequence: number): number {
    const { firstSequence, lastSequence, bytes } = this;
    if (sequence <= firstSequence) return bytes;
    if (sequence > lastSequence) return 0;
    return Math.round((bytes * (lastSequence - sequence + 1)) / (lastSequence - firstSequence + 1));
  }

  /** Entries. */
  get length(): number {
    return this.#used / 2;
  }

  sequenceAt(entry: number): number {
    return this.firstSequence + (this.#pairs[entry * 2] ?? 0);
  }

  offsetAt(entry: number): number {
    return this.#offset(entry * 2);
  }

  /** The last entry whose sequence is not above `sequence`. */
  entryFor(sequence: number): number {
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.sequenceAt(middle) <= sequence) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Gives back spare room: no record will be added. */
  trim(): void {
    this.#pairs = this.#pairs.slice(0, this.#used);
  }

  get pairs(): Uint32Array {
    return this.#pairs.subarray(0, this.#used);
  }

  #offset(pair: number): number {
    return this.#pairs[pair + 1] ?? 0;
  }
}

/** An index as it is stored. */
export interface StoredSparseIndex {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstTimestampMs: number;
  readonly lastTimestampMs: number;
  readonly bytes: number;
  readonly pairs: Uint32Array;
}

/** A look-up walks over at most about so many bytes that belong to others. */
export const INDEX_EVERY_BYTES = 64 * 1024;
