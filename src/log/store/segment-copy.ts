import { randomUUID } from 'node:crypto';
import { close, open, read } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { crc32c } from './crc32c.js';
import type { DiskCalls } from './disk-calls.js';
import { CorruptionError } from './errors.js';
import {
  ENTRY,
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  FRAME_PREFIX_BYTES,
  RECORD_ENTRY_BYTES,
  SEGMENT_HEADER_BYTES,
  setUint48,
  TOPIC_ENTRY_BYTES,
  viewOf,
} from './format.js';
import { type EntryVisitor, frameBytes, frameFlags, frameTimestamp, isIntact, visitEntries } from './frames.js';
import { Segment } from './segment.js';
import { SparseIndex } from './sparse-index.js';
import type { TopicLog, TopicTable } from './topic-log.js';

/** A segment that was written beside those that it is to replace. */
export interface SegmentCopy {
  readonly segment: Segment;
  /** Where it lies until then. */
  readonly file: string;
}

export interface CopyOptions {
  readonly topics: TopicTable;
  readonly calls: DiskCalls;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** So much is looked at between two moments in which others have their turn. */
const BLOCK_BYTES = 512 * 1024;
/** A sync of more than this would hold up those of commits. */
const SYNC_EVERY_BYTES = 4 * 1024 * 1024;

const openFile = promisify(open);
const closeFile = promisify(close);
const readFile = promisify(read);

/**
 * Writes the records of some segments that were not dropped into one new file, synced: same topics, sequences and
 * timestamps. Facts are left out. Nothing else is changed. @returns undefined when nothing is left
 * @throws {CorruptionError} what is read is not what was written @throws what the disk refuses, and the signal's reason
 */
export async function copySegments(
  sources: readonly Segment[],
  { topics, calls, nowMs, signal }: CopyOptions,
): Promise<SegmentCopy | undefined> {
  const [oldest, newest] = [sources[0], sources.at(-1)];
  if (!oldest || !newest) return undefined;
  const { path, number, base } = oldest;
  const file = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  const until = newest.until;
  const fd = await openFile(file, 'wx', 0o600);
  try {
    const copier = new Copier(topics);
    let synced = 0;
    const put = async (pieces: readonly Buffer[]): Promise<void> => {
      const end = copier.end - pieces.reduce((sum, { length }) => sum + length, 0);
      if (pieces.length > 0) await calls.write(fd, pieces, end);
      if (copier.end - synced < SYNC_EVERY_BYTES) return;
      await calls.datasync(fd);
      synced = copier.end;
    };
    const createdMs = Math.max(0, Math.floor(nowMs()));
    await calls.write(fd, [encodeSegmentHeader({ number, base, createdMs, until })], 0);
    for (const source of sources) await eachBlock(source, signal, (block) => put(copier.copy(block)));
    if (copier.indexes.size > 0) {
      await calls.datasync(fd);
      const segment = new Segment(path, { number, base, end: copier.end, until });
      for (const [id, index] of copier.indexes) {
        index.trim();
        segment.indexes.set(id, index);
      }
      return { segment, file };
    }
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await closeFile(fd);
  }
  await rm(file, { force: true });
  return undefined;
}

/** Whole frames of a segment. */
interface FrameBlock {
  readonly path: string;
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Of the first byte in the file. */
  readonly start: number;
  /** Where the last whole frame ends. */
  readonly length: number;
}

/** Goes through all frames; their checksums are right. */
async function eachBlock(
  { path, end }: Segment,
  signal: AbortSignal,
  work: (block: FrameBlock) => Promise<void>,
): Promise<void> {
  const fd = await openFile(path, 'r');
  try {
    let wanted = BLOCK_BYTES;
    for (let start = SEGMENT_HEADER_BYTES; start < end; ) {
      signal.throwIfAborted();
      const bytes = Buffer.allocUnsafe(Math.min(wanted, end - start));
      await fill(fd, path, bytes, start);
      const view = viewOf(bytes);
      const length = wholeFrames(path, view, start);
      if (length > 0) await work({ path, bytes, view, start, length });
      else if (wanted >= end - start) throw new CorruptionError(path, start, 'no frame begins here');
      wanted = length > 0 ? BLOCK_BYTES : wanted * 2;
      start += length;
    }
  } finally {
    await closeFile(fd);
  }
}

async function fill(fd: number, path: string, bytes: Buffer, start: number): Promise<void> {
  for (let have = 0; have < bytes.length; ) {
    const { bytesRead } = await readFile(fd, bytes, have, bytes.length - have, start + have);
    if (bytesRead === 0) throw new CorruptionError(path, start + have, 'the file ends here');
    have += bytesRead;
  }
}

/** Bytes of the frames that lie in the view as a whole. */
function wholeFrames(path: string, view: DataView, start: number): number {
  let at = 0;
  while (at + FRAME_HEADER_BYTES <= view.byteLength) {
    const bytes = frameBytes(view, at);
    if (bytes !== undefined && at + bytes > view.byteLength) break;
    if (bytes === undefined || !isIntact(view, at, bytes))
      throw new CorruptionError(path, start + at, 'no frame begins here, or its checksum is wrong');
    at += bytes;
  }
  return at;
}

/** A record of a frame that stays, with its entry's place. */
interface Kept {
  readonly topic: TopicLog;
  readonly sequence: number;
  readonly from: number;
  readonly to: number;
}

/** Makes the frames of the new segment, without what was dropped. */
class Copier {
  readonly indexes = new Map<number, SparseIndex>();
  /** Of the new file, with all that was made. */
  end = SEGMENT_HEADER_BYTES;
  readonly #topics: TopicTable;

  constructor(topics: TopicTable) {
    this.#topics = topics;
  }

  /** @returns the bytes that come next in the new file */
  copy({ path, bytes, view, start, length }: FrameBlock): readonly Buffer[] {
    const made: Buffer[] = [];
    let kept: Kept[] = [];
    let at = 0;
    const visitor: EntryVisitor = {
      record: (id, sequence, headersAt, headersBytes, bodyBytes) => {
        const topic = this.#topics.byId(id);
        if (!topic) throw new CorruptionError(path, start + at, `topic ${id} has no name`);
        const to = headersAt + headersBytes + bodyBytes;
        if (sequence >= topic.first) kept.push({ topic, sequence, from: headersAt - RECORD_ENTRY_BYTES, to });
      },
    };
    while (at < length) {
      const frame = frameBytes(view, at) ?? length;
      kept = [];
      if (!visitEntries(bytes, view, at, frame, visitor))
        throw new CorruptionError(path, start + at, 'its entries do not fit the frame');
      if (kept.length > 0) made.push(...this.#frames(bytes, kept, frameFlags(view, at), frameTimestamp(view, at)));
      at += frame;
    }
    return made;
  }

  /** The frame with what is kept; before it, in one of its own, names of topics that are new in this file. */
  #frames(bytes: Buffer, kept: readonly Kept[], flags: number, timestampMs: number): Buffer[] {
    const unnamed = new Set(kept.map(({ topic }) => topic).filter(({ id }) => !this.indexes.has(id)));
    const names = [...unnamed].map(encodeName);
    const records = kept.map(({ from, to }) => bytes.subarray(from, to));
    const made = names.length > 0 ? [frameOf(names, flags, timestampMs)] : [];
    let more = FRAME_HEADER_BYTES + (made[0]?.length ?? 0);
    const frame = frameOf(records, flags, timestampMs);
    const offset = this.end + (made[0]?.length ?? 0);
    for (const { topic, sequence, from, to } of kept) {
      let index = this.indexes.get(topic.id);
      if (!index) {
        index = new SparseIndex({ sequence, timestampMs });
        this.indexes.set(topic.id, index);
      }
      index.add(sequence, offset, timestampMs, to - from + more);
      more = 0;
    }
    this.end = offset + frame.length;
    return [...made, frame];
  }
}

function encodeName({ id, nameBytes }: TopicLog): Buffer {
  const bytes = Buffer.alloc(TOPIC_ENTRY_BYTES + nameBytes.length);
  bytes.writeUInt8(ENTRY.topic, 0);
  bytes.writeUInt32LE(id, 1);
  bytes.writeUInt16LE(nameBytes.length, 5);
  nameBytes.copy(bytes, TOPIC_ENTRY_BYTES);
  return bytes;
}

function frameOf(entries: readonly Buffer[], flags: number, timestampMs: number): Buffer {
  const length = entries.reduce((sum, entry) => sum + entry.length, FRAME_HEADER_BYTES);
  const bytes = Buffer.allocUnsafe(length);
  const view = viewOf(bytes);
  view.setUint32(4, length - FRAME_PREFIX_BYTES, true);
  view.setUint8(8, FRAME_KIND);
  view.setUint8(9, flags);
  setUint48(view, 10, timestampMs);
  view.setUint32(16, entries.length, true);
  let at = FRAME_HEADER_BYTES;
  for (const entry of entries) at += entry.copy(bytes, at);
  view.setUint32(0, crc32c(view, 4, length), true);
  return bytes;
}
