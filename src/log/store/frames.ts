import { crc32c } from './crc32c.js';
import { ENTRY, FRAME_HEADER_BYTES, FRAME_KIND, FRAME_PREFIX_BYTES, getUint48, MAX_FRAME_BYTES } from './format.js';

/** What goes through the entries of a frame. Offsets are places in the view. */
export interface EntryVisitor {
  topic?(id: number, name: string): void;
  record?(topic: number, sequence: number, headersAt: number, headersBytes: number, bodyBytes: number): void;
  put?(key: string, value: string): void;
  delete?(key: string): void;
  drop?(topic: number, beforeSequence: number): void;
}

/** Bytes of the frame at `at`, with all before its length; undefined when what is there begins no frame. */
export function frameBytes(view: DataView, at: number): number | undefined {
  if (view.getUint8(at + 8) !== FRAME_KIND) return undefined;
  const length = view.getUint32(at + 4, true);
  if (length < FRAME_HEADER_BYTES - FRAME_PREFIX_BYTES || length > MAX_FRAME_BYTES) return undefined;
  return length + FRAME_PREFIX_BYTES;
}

/** Whether the frame that lies in the view as a whole is what was written. */
export function isIntact(view: DataView, at: number, bytes: number): boolean {
  return crc32c(view, at + 4, at + bytes) === view.getUint32(at, true);
}

export function frameFlags(view: DataView, at: number): number {
  return view.getUint8(at + 9);
}

export function frameTimestamp(view: DataView, at: number): number {
  return getUint48(view, at + 10);
}

/** @returns false when the entries do not fit the frame */
export function visitEntries(
  buffer: Buffer,
  view: DataView,
  at: number,
  bytes: number,
  visitor: EntryVisitor,
): boolean {
  const end = at + bytes;
  let left = view.getUint32(at + 16, true);
  let place = at + FRAME_HEADER_BYTES;
  for (; left > 0; left--) {
    if (place + 3 > end) return false;
    const next = visitEntry(buffer, view, place, end, visitor);
    if (next > end || next < 0) return false;
    place = next;
  }
  return place === end;
}

function visitEntry(buffer: Buffer, view: DataView, at: number, end: number, visitor: EntryVisitor): number {
  switch (view.getUint8(at)) {
    case ENTRY.record: {
      if (at + 19 > end) return -1;
      const headersBytes = view.getUint32(at + 11, true);
      const bodyBytes = view.getUint32(at + 15, true);
      const next = at + 19 + headersBytes + bodyBytes;
      if (next <= end)
        visitor.record?.(view.getUint32(at + 1, true), getUint48(view, at + 5), at + 19, headersBytes, bodyBytes);
      return next;
    }
    case ENTRY.topic: {
      if (at + 7 > end) return -1;
      const next = at + 7 + view.getUint16(at + 5, true);
      if (next <= end) visitor.topic?.(view.getUint32(at + 1, true), buffer.toString('utf8', at + 7, next));
      return next;
    }
    case ENTRY.put: {
      if (at + 7 > end) return -1;
      const valueAt = at + 7 + view.getUint16(at + 1, true);
      const next = valueAt + view.getUint32(at + 3, true);
      if (next <= end) visitor.put?.(buffer.toString('utf8', at + 7, valueAt), buffer.toString('utf8', valueAt, next));
      return next;
    }
    case ENTRY.delete: {
      const next = at + 3 + view.getUint16(at + 1, true);
      if (next <= end) visitor.delete?.(buffer.toString('utf8', at + 3, next));
      return next;
    }
    case ENTRY.drop: {
      if (at + 11 > end) return -1;
      visitor.drop?.(view.getUint32(at + 1, true), getUint48(view, at + 5));
      return at + 11;
    }
    default:
      return -1;
  }
}
