import { closeSync, existsSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { MsgfloError, messageOf, UsageError } from '../errors.js';
import {
  type CheckpointFile,
  CorruptionError,
  checkpointFiles,
  FormatVersionError,
  folderHolder,
  type RawCheckpoint,
  type RawIndex,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentFiles,
  segmentIndex,
} from '../log/index.js';

/** A segment as its file, name and index tell, before any frame was looked at. */
export interface LogSegment {
  readonly file: string;
  /** Log offset of the first byte, from the name. */
  readonly base: number;
  /** Bytes of the file, with what is allocated ahead. */
  readonly size: number;
  /** Tells it from another that takes its place. */
  readonly inode: number;
  /** Open, so that it can be read whatever becomes of it. */
  readonly fd: number | undefined;
  /** Its number, or why there is none. */
  readonly header: ReturnType<typeof readSegmentHeader> | CorruptionError;
  readonly index: RawIndex | 'damaged' | 'missing';
  /** Written to by whoever opens the log, so that its end may be torn. */
  readonly isLast: boolean;
}

/** What lies in the folder of a log. */
export interface LogFolder {
  readonly folder: string;
  /** The process that has it open. */
  readonly openIn: number | undefined;
  /** The newest first. */
  readonly checkpoints: readonly CheckpointFile[];
  /** The newest checkpoint that is whole. */
  readonly checkpoint: RawCheckpoint | undefined;
  readonly segments: readonly LogSegment[];
  /** Lets go of segments that are held. */
  close(): void;
}

/** More would be too many open files for some systems; of a larger log none is held. */
const MOST_HELD = 500;

/**
 * @param holds keeps the segments open where somebody writes, who may delete or compact them
 * @throws {UsageError} unless it holds a log, of a version that this program knows
 * @throws {SegmentReplacedError} and ENOENT when whoever writes was faster: try again
 */
export function readLogFolder(folder: string, { holds = false } = {}): LogFolder {
  checkIsLog(folder);
  // In this order: what is read later is never behind what was read before.
  const openIn = folderHolder(folder);
  const checkpoints = checkpointFiles(folder);
  const files = segmentFiles(folder);
  const held: number[] = [];
  const close = (): void => {
    for (const fd of held.splice(0)) closeSync(fd);
  };
  try {
    const isHeld = holds && openIn !== undefined && files.length <= MOST_HELD;
    const found = files.map((file) => segmentOf(file, isHeld ? held : undefined));
    checkApart(found);
    if (openIn !== undefined && checkpoints.some(({ file }) => !existsSync(file))) {
      close();
      return readLogFolder(folder, { holds });
    }
    return { ...{ folder, openIn, checkpoints, close }, ...parts(checkpoints, found) };
  } catch (error) {
    close();
    throw error;
  }
}

/** None stands for one behind it: then it took its place after the files were listed. @throws {SegmentReplacedError} */
function checkApart(found: readonly Omit<LogSegment, 'isLast'>[]): void {
  let reach = 0;
  for (const { file, base, header } of found) {
    if (base < reach) throw new SegmentReplacedError(file);
    if (!(header instanceof CorruptionError)) reach = header.until ?? reach;
  }
}

function parts(
  checkpoints: readonly CheckpointFile[],
  found: readonly Omit<LogSegment, 'isLast'>[],
): Pick<LogFolder, 'checkpoint' | 'segments'> {
  const last = found.at(-1);
  // A header that was not finished: nothing was ever committed to it.
  const isBegun = last && last.size <= SEGMENT_HEADER_BYTES && last.header instanceof CorruptionError;
  const used = isBegun ? found.slice(0, -1) : found;
  return {
    checkpoint: checkpoints.find(({ content }) => content !== undefined)?.content,
    segments: used.map((segment, at) => ({ ...segment, isLast: at === used.length - 1 })),
  };
}

/** @throws {UsageError} for what is no folder, or none with a log */
export function checkIsLog(folder: string): void {
  const names = namesIn(folder);
  if (!names.some((name) => /^(\d{16}\.(seg|ckp)|lock-\d+)$/.test(name)))
    throw new UsageError(`${folder} holds no log: there is no segment in it`);
}

/** A newer format is nothing that is wrong with the log. */
export function asUsage(error: unknown): unknown {
  return error instanceof FormatVersionError ? new UsageError(error.message, { cause: error }) : error;
}

/** Whoever has the log open put another segment in the place of one that is walked. */
export class SegmentReplacedError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_REPLACED';
  override readonly retryable = true;
  constructor(file: string) {
    super(`${file} was compacted while it was read; try again`);
  }
}

/** A file that was there when the folder was listed, or as it was then. */
export function isGone(error: unknown): boolean {
  if (error instanceof SegmentReplacedError) return true;
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (isGone(error)) throw new UsageError(`there is no folder ${folder}: name the one of the log`);
    if (code === 'ENOTDIR') throw new UsageError(`${folder} is no folder: name the one that holds the log`);
    throw new UsageError(`${folder} cannot be read: ${messageOf(error)}`);
  }
}

/** @param held where to put the open file */
function segmentOf(file: string, held: number[] | undefined): Omit<LogSegment, 'isLast'> {
  const fd = held && openSync(file, 'r');
  if (fd !== undefined) held?.push(fd);
  const { ino: inode } = fd === undefined ? statSync(file) : fstatSync(fd);
  const segment = {
    ...{ file, inode, fd },
    base: Number(basename(file, '.seg')),
    index: segmentIndex(file),
    header: headerOf(file),
    size: statSync(file).size,
  };
  checkSame(segment);
  return segment;
}

/** What was found in a file counts for nothing when another took its place meanwhile. @throws {SegmentReplacedError} */
export function checkSame({ file, inode }: Pick<LogSegment, 'file' | 'inode'>): void {
  if (statSync(file).ino !== inode) throw new SegmentReplacedError(file);
}

function headerOf(file: string): LogSegment['header'] {
  try {
    return readSegmentHeader(file);
  } catch (error) {
    if (error instanceof CorruptionError) return error;
    throw asUsage(error);
  }
}
