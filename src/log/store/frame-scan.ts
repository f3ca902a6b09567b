import { readSync } from 'node:fs';
import { FLAG_SYNCED_BEFORE, FRAME_HEADER_BYTES, FRAME_KIND, viewOf } from './format.js';
import { frameBytes, frameFlags, isIntact } from './frames.js';

/** A frame that lies whole in `buffer`, from `at` on. Holds until the next one is asked for. */
export interface ScannedFrame {
  readonly buffer: Buffer;
  readonly view: DataView;
  readonly at: number;
  readonly bytes: number;
  /** In the file. */
  readonly offset: number;
}

const WINDOW_BYTES = 1024 * 1024;

/** A file read front to back in blocks. */
class Window {
  readonly #fd: number;
  readonly #size: number;
  buffer: Buffer = Buffer.alloc(0);
  view: DataView = viewOf(this.buffer);
  start = 0;

  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.#size = size;
  }

  /** Makes `bytes` bytes from `offset` available. @returns their place in the buffer, or undefined beyond the end */
  need(offset: number, bytes: number): number | undefined {
    if (offset + bytes > this.#size) return undefined;
    if (offset >= this.start && offset + bytes <= this.start + this.buffer.length) return offset - this.start;
    this.start = offset;
    this.buffer = Buffer.allocUnsafe(Math.min(this.#size - offset, Math.max(WINDOW_BYTES, bytes)));
    this.view = viewOf(this.buffer);
    for (let have = 0; have < this.buffer.length; ) {
      const count = readSync(this.#fd, this.buffer, have, this.buffer.length - have, offset + have);
      if (count === 0) return undefined; // shorter than it was: whoever writes has cut it
      have += count;
    }
    return 0;
  }
}

/**
 * Intact frames of a file from `from` on. @returns where they end: at `size`, or at the first byte that begins none
 */
export function* scanFrames(fd: number, from: number, size: number): Generator<ScannedFrame, number> {
  const window = new Window(fd, size);
  let offset = from;
  for (;;) {
    if (window.need(offset, FRAME_HEADER_BYTES) === undefined) return offset;
    const bytes = frameBytes(window.view, offset - window.start);
    const at = bytes === undefined ? undefined : window.need(offset, bytes);
    if (bytes === undefined || at === undefined || !isIntact(window.view, at, bytes)) return offset;
    yield { buffer: window.buffer, view: window.view, at, bytes, offset };
    offset += bytes;
  }
}

/**
 * Looks for an intact frame from `from` on, byte by byte. @param isSynced only one that says that all before it was synced
 * @returns its offset
 */
export function findFrame(fd: number, from: number, size: number, isSynced: boolean): number | undefined {
  const window = new Window(fd, size);
  for (let offset = from; offset + FRAME_HEADER_BYTES <= size; ) {
    const at = window.need(offset, FRAME_HEADER_BYTES);
    if (at === undefined) return undefined;
    const kindAt = window.buffer.indexOf(FRAME_KIND, at + 8);
    if (kindAt === -1) {
      offset = window.start + window.buffer.length - 8; // the kind may follow just behind this window
      continue;
    }
    offset = window.start + kindAt - 8;
    if (isFrame(window, offset, isSynced)) return offset;
    offset++;
  }
  return undefined;
}

function isFrame(window: Window, offset: number, isSynced: boolean): boolean {
  const header = window.need(offset, FRAME_HEADER_BYTES);
  if (header === undefined) return false;
  const flags = frameFlags(window.view, header);
  if (flags > FLAG_SYNCED_BEFORE || (isSynced && flags !== FLAG_SYNCED_BEFORE)) return false;
  const bytes = frameBytes(window.view, header);
  if (bytes === undefined) return false;
  const at = window.need(offset, bytes);
  return at !== undefined && isIntact(window.view, at, bytes);
}

/** Whether nothing but zeros follows. */
export function isZeroFrom(fd: number, from: number, size: number): boolean {
  const zeros = Buffer.alloc(WINDOW_BYTES);
  const window = new Window(fd, size);
  for (let offset = from; offset < size; ) {
    const bytes = Math.min(WINDOW_BYTES, size - offset);
    const at = window.need(offset, bytes);
    if (at === undefined || window.buffer.compare(zeros, 0, bytes, at, at + bytes) !== 0) return false;
    offset += bytes;
  }
  return true;
}
