import { close, openSync, read } from 'node:fs';
import { CorruptionError } from './errors.js';
import { SEGMENT_HEADER_BYTES, viewOf } from './format.js';
import type { SparseIndex } from './sparse-index.js';

/** Some bytes of a segment, from frame to frame or cut anywhere. */
export interface Block {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Offset of the first of these bytes in the segment. */
  readonly start: number;
  /** How many of `bytes` count. */
  readonly length: number;
  /** Still in memory from when it was written: no checksum has to be looked at. */
  readonly isOwn: boolean;
}

/** Bytes that were written lately, kept for readers that are close behind. Frames do not cross from one to the next. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly start: number;
  used: number;
  /** Readers have views on it: its memory cannot be used again. */
  isShared: boolean;
}

/** Where a segment lies in the log. */
export interface SegmentPlace {
  readonly number: number;
  readonly base: number;
  readonly end: number;
  /** Of one that was compacted: log offset up to which it stands for all that was there. */
  readonly until?: number;
}

/** One file of the log and what is known of it. */
export class Segment {
  readonly path: string;
  readonly number: number;
  readonly base: number;
  /** Where what is done ends; readers stop here. */
  end: number;
  /** The newest bytes, oldest first, without gaps. Only of the segment that is written to. */
  chunks: Chunk[] = [];
  /** By number of the topic. */
  readonly indexes = new Map<number, SparseIndex>();
  /** There is a file that has them. */
  isIndexed = false;
  /** Found so when it was read as a whole: it is not to be written anew. */
  isDamaged = false;
  /** Deleted, or another one stands in its place: what is not open by now cannot be read. */
  isGone = false;
  readonly #until: number | undefined;
  #fd: number | undefined;
  #readers = 0;
  #isRetired = false;

  constructor(path: string, place: SegmentPlace) {
    this.path = path;
    this.number = place.number;
    this.base = place.base;
    this.end = place.end;
    this.#until = place.until;
  }

  /** Log offset up to which it stands for all that was there. */
  get until(): number {
    return this.#until ?? this.base + this.end;
  }

  /** Bytes that are still needed, about, once checkpoints hold the facts. @param first of a topic, by its number */
  liveBytes(first: (topic: number) => number): number {
    let bytes = SEGMENT_HEADER_BYTES;
    for (const [topic, index] of this.indexes) bytes += index.bytesFrom(first(topic));
    return bytes;
  }

  /** A block from `offset`, of at least one byte. The chunks in memory are asked first. */
  block(offset: number, wantedBytes: number): Block | Promise<Block> {
    const oldest = this.chunks[0];
    if (oldest && offset >= oldest.start)
      for (let at = this.chunks.length - 1; at >= 0; at--) {
        const chunk = this.chunks[at];
        if (chunk && chunk.start <= offset && offset < chunk.start + chunk.used) {
          const { bytes, view, start } = chunk;
          chunk.isShared = true;
          return { bytes, view, start, length: Math.min(chunk.used, this.end - start), isOwn: true };
        }
      }
    return this.#readBlock(offset, Math.min(wantedBytes, this.end - offset));
  }

  #readBlock(offset: number, length: number): Promise<Block> {
    if (this.#fd === undefined) {
      if (this.isGone) throw new CorruptionError(this.path, offset, 'another segment has taken its place');
      this.#fd = openSync(this.path, 'r');
    }
    const fd = this.#fd;
    const bytes = Buffer.allocUnsafeSlow(length);
    this.#readers++;
    return new Promise((resolve, reject) => {
      const done = (error: Error | undefined): void => {
        this.#readers--;
        if (this.#isRetired) this.closeReader();
        if (error) reject(error);
        else resolve({ bytes, view: viewOf(bytes), start: offset, length, isOwn: false });
      };
      const more = (have: number): void => {
        read(fd, bytes, have, length - have, offset + have, (error, count) => {
          if (error) done(error);
          else if (count === 0) done(new CorruptionError(this.path, offset + have, 'the file ends here'));
          else if (have + count < length) more(have + count);
          else done(undefined);
        });
      };
      more(0);
    });
  }

  /** Closes the file once nobody reads from it; the next read opens it again. */
  closeReader(): void {
    if (this.#fd === undefined) return;
    this.#isRetired = this.#readers > 0;
    if (this.#isRetired) return;
    close(this.#fd, () => undefined);
    this.#fd = undefined;
  }
}
