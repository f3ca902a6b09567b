import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../support/index.js';
import { type Checkpoint, readCheckpoint } from './checkpoint.js';
import { CorruptionError } from './errors.js';
import { decodeSegmentHeader, fileName, offsetOf, SEGMENT_HEADER_BYTES } from './format.js';
import { findFrame, isZeroFrom, scanFrames } from './frame-scan.js';
import { readIndex } from './index-file.js';
import { Replay } from './replay.js';
import { Segment } from './segment.js';
import { StoreState } from './store-state.js';

/** Whether what a crash left is cleared away, for which the folder has to be locked, or only passed over. */
export type RecoveryMode = 'repair' | 'look';

/**
 * What the folder holds; without any segment when the log is new. Reads the newest checkpoint, the indexes, and the frames
 * that neither of them knows. Cuts a torn tail off the last segment and says so.
 * @throws {CorruptionError} when anything else is not what was written @throws {FormatVersionError}
 */
export function recover(folder: string, logger: Logger, mode: RecoveryMode = 'repair'): StoreState {
  const state = new StoreState(folder);
  if (mode === 'repair') removeHalfFiles(folder);
  const checkpoint = readCheckpoint(folder, logger);
  const offsets = segmentOffsets(folder);
  for (const [at, base] of offsets.entries()) {
    const isLast = at === offsets.length - 1;
    const segment = openSegment(folder, base, { isLast, logger, mode });
    if (!segment) continue;
    if (base < (state.segments.at(-1)?.until ?? 0)) removeReplaced(segment, { logger, mode });
    else state.segments.push(segment);
  }
  checkChain(state, checkpoint);
  const replay = new Replay(state, checkpoint);
  for (const segment of state.segments)
    readSegment(segment, replay, { isLast: segment === state.segments.at(-1), logger, mode });
  replay.finish();
  return state;
}

/** Ascending. */
export function segmentOffsets(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => offsetOf(name, 'seg') ?? [])
    .sort((a, b) => a - b);
}

/** What a compaction that was cut off left behind: the segment before has all that was needed of it. */
function removeReplaced(
  { path }: Segment,
  { logger, mode }: { readonly logger: Logger; readonly mode: RecoveryMode },
): void {
  if (mode === 'look') return;
  rmSync(path);
  logger.info(`removed ${path}, which was compacted into the segment before it`);
}

/** What writers left when they were killed, and indexes of segments that are gone. */
function removeHalfFiles(folder: string): void {
  const names = readdirSync(folder);
  for (const name of names) {
    const index = offsetOf(name, 'idx');
    const isOrphan = index !== undefined && !names.includes(fileName(index, 'seg'));
    if (isOrphan || /^\.\d{16}\.(seg|idx|ckp)\./.test(name)) rmSync(join(folder, name), { force: true });
  }
}

interface SegmentOptions {
  readonly isLast: boolean;
  readonly logger: Logger;
  readonly mode: RecoveryMode;
}

function openSegment(folder: string, base: number, { isLast, logger, mode }: SegmentOptions): Segment | undefined {
  const path = join(folder, fileName(base, 'seg'));
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    if (isLast && size <= SEGMENT_HEADER_BYTES && !hasHeader(fd, path)) {
      if (mode === 'look') return undefined;
      rmSync(path); // begun when the process ended: nothing was ever committed to it
      logger.info(`removed ${path}, which was begun and never used`);
      return undefined;
    }
    const { number, base: told, until } = decodeSegmentHeader(headerOf(fd), path);
    if (told !== base) throw new CorruptionError(path, 16, `it says that it begins at ${told}`);
    return new Segment(path, { number, base, end: size, ...(until === undefined ? {} : { until }) });
  } finally {
    closeSync(fd);
  }
}

function headerOf(fd: number): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
}

function hasHeader(fd: number, path: string): boolean {
  try {
    decodeSegmentHeader(headerOf(fd), path);
    return true;
  } catch (error) {
    if (error instanceof CorruptionError) return false;
    throw error;
  }
}

/** All that the checkpoint does not cover must be there, segment to segment. */
function checkChain({ folder, segments }: StoreState, checkpoint: Checkpoint | undefined): void {
  let expected = checkpoint?.offset ?? 0;
  for (const { path, base, end } of segments) {
    if (base > expected)
      throw new CorruptionError(path, 0, `what lies before it, from log offset ${expected}, is missing`);
    expected = Math.max(expected, base + end);
  }
  const last = segments.at(-1);
  if (expected > 0 && (!last || last.base + last.end < expected))
    throw new CorruptionError(last?.path ?? folder, last?.end ?? 0, `the log ends here, not at log offset ${expected}`);
}

function readSegment(segment: Segment, replay: Replay, { isLast, logger, mode }: SegmentOptions): void {
  const size = segment.end;
  const stored = readIndex(segment);
  if (!stored && !isLast) logger.warn(`${segment.path} has no good index; it is read instead`);
  const known = stored?.base === segment.base ? stored.end : SEGMENT_HEADER_BYTES;
  if (known > size) throw new CorruptionError(segment.path, size, `the file ends here, not at ${known}`);
  if (stored?.base === segment.base) replay.addIndex(segment, stored);
  segment.isIndexed = stored?.base === segment.base;
  const from = replay.firstUnknown(segment, known);
  if (from === size) return;
  const fd = openSync(segment.path, isLast && mode === 'repair' ? 'r+' : 'r');
  try {
    const end = replayFrames(segment, fd, from, known, replay);
    if (end === size) return;
    if (!isLast || findFrame(fd, end + 1, size, true) !== undefined)
      throw new CorruptionError(segment.path, end, 'no frame begins here, or its checksum is wrong');
    segment.end = end;
    if (mode === 'look') return;
    if (!isZeroFrom(fd, end, size))
      logger.warn(`${segment.path}: cut ${size - end} bytes at ${end}, the end of a commit that was not finished`);
    ftruncateSync(fd, end);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** @param indexed frames before it are in the index already, and only their facts are missing */
function replayFrames(segment: Segment, fd: number, from: number, indexed: number, replay: Replay): number {
  const frames = scanFrames(fd, from, segment.end);
  for (;;) {
    const { done, value } = frames.next();
    if (done) {
      if (value < indexed)
        throw new CorruptionError(segment.path, value, 'no frame begins here, or its checksum is wrong');
      return value;
    }
    replay.frame(segment, value, value.offset >= indexed);
  }
}
