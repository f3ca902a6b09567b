import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSegmentHeader, fileName, SEGMENT_HEADER_BYTES, type SegmentHeader } from './format.js';
import { findFrame, isZeroFrom, type ScannedFrame, scanFrames } from './frame-scan.js';
import { type EntryVisitor, frameTimestamp, visitEntries } from './frames.js';
import { segmentOffsets } from './recovery.js';

/** One entry of a frame, as it is stored. Topics are numbers, named by the `topic` entries of the same segment. */
export type RawEntry =
  | { readonly kind: 'topic'; readonly id: number; readonly name: string }
  | {
      readonly kind: 'record';
      readonly topic: number;
      readonly sequence: number;
      readonly headers: Buffer;
      readonly body: Buffer;
    }
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'drop'; readonly topic: number; readonly beforeSequence: number };

/**
 * A stretch of a segment. `damaged` is followed by frames that are whole, and certain where one behind it says that all
 * before was synced: elsewhere the end of the last segment may have been on its way. `torn` is what follows the last whole
 * frame, and in the last segment the usual end of a process that was killed; `unused` is room allocated ahead.
 */
export type RawPart =
  | {
      readonly state: 'whole';
      readonly offset: number;
      readonly bytes: number;
      readonly timestampMs: number;
      /** Empty, with `isReadable` false, when they do not fit the frame. */
      readonly entries: readonly RawEntry[];
      readonly isReadable: boolean;
    }
  | { readonly state: 'damaged'; readonly offset: number; readonly bytes: number; readonly isCertain: boolean }
  | { readonly state: 'torn' | 'unused'; readonly offset: number; readonly bytes: number };

/** The segment files of a folder, oldest first. Asks for no lock, as all of this. */
export function segmentFiles(folder: string): readonly string[] {
  let until = 0;
  return segmentOffsets(folder).flatMap((offset) => {
    if (offset < until) return []; // left over from a compaction that was cut off
    const file = join(folder, fileName(offset, 'seg'));
    until = untilOf(file) ?? until;
    return [file];
  });
}

function untilOf(file: string): number | undefined {
  try {
    return readSegmentHeader(file).until;
  } catch {
    return undefined; // said when it is looked at
  }
}

/** @throws {CorruptionError} @throws {FormatVersionError} */
export function readSegmentHeader(file: string): SegmentHeader {
  return withFile(file, (fd) => {
    const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
    return decodeSegmentHeader(bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)), file);
  });
}

/**
 * Everything behind the header of a segment file, in order, without gaps and whatever state it is in. The file may be one
 * that is written to: what is seen then is how far it was when the walk began. Buffers hold until the next part.
 * @param start offset where a part begins @param held the file, where it is open already; it stays so
 */
export function* segmentParts(file: string, start = SEGMENT_HEADER_BYTES, held?: number): Generator<RawPart, void> {
  const fd = held ?? openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    let from = start;
    while (from < size) {
      const frames = scanFrames(fd, from, size);
      let next = frames.next();
      for (; !next.done; next = frames.next()) yield wholeFrame(next.value);
      from = next.value;
      if (from >= size) return;
      const after = findFrame(fd, from + 1, size, false);
      if (after !== undefined) {
        const isCertain = findFrame(fd, after, size, true) !== undefined;
        yield { state: 'damaged', offset: from, bytes: after - from, isCertain };
      } else yield { state: isZeroFrom(fd, from, size) ? 'unused' : 'torn', offset: from, bytes: size - from };
      from = after ?? size;
    }
  } finally {
    if (held === undefined) closeSync(fd);
  }
}

function wholeFrame({ buffer, view, at, bytes, offset }: ScannedFrame): RawPart {
  const entries: RawEntry[] = [];
  const visitor: Required<EntryVisitor> = {
    topic: (id, name) => entries.push({ kind: 'topic', id, name }),
    record: (topic, sequence, headersAt, headersBytes, bodyBytes) => {
      const bodyAt = headersAt + headersBytes;
      const headers = buffer.subarray(headersAt, bodyAt);
      entries.push({ kind: 'record', topic, sequence, headers, body: buffer.subarray(bodyAt, bodyAt + bodyBytes) });
    },
    put: (key, value) => entries.push({ kind: 'put', key, value }),
    delete: (key) => entries.push({ kind: 'delete', key }),
    drop: (topic, beforeSequence) => entries.push({ kind: 'drop', topic, beforeSequence }),
  };
  const isReadable = visitEntries(buffer, view, at, bytes, visitor);
  return { state: 'whole', offset, bytes, timestampMs: frameTimestamp(view, at), entries, isReadable };
}

function withFile<T>(file: string, work: (fd: number) => T): T {
  const fd = openSync(file, 'r');
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}
