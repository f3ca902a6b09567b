import { closeSync, fsyncSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DiskCalls } from './disk-calls.js';
import { encodeSegmentHeader, fileName, SEGMENT_HEADER_BYTES } from './format.js';
import { Segment } from './segment.js';

/** The segment that follows one that ends at `end`; nothing is written yet. */
export function plannedSegment(before: Segment, end: number): Segment {
  return newSegment(dirname(before.path), before.number + 1, before.base + end);
}

export function newSegment(folder: string, number: number, base: number): Segment {
  return new Segment(join(folder, fileName(base, 'seg')), { number, base, end: SEGMENT_HEADER_BYTES });
}

/** Writes the file with its header, so that a crash leaves it whole or without frames. @returns it, open for writing */
export async function createSegment(
  segment: Segment,
  { nowMs, calls }: { readonly nowMs: () => number; readonly calls: DiskCalls },
): Promise<number> {
  const { number, base, path } = segment;
  const fd = openSync(path, 'w', 0o600);
  try {
    await calls.write(fd, [encodeSegmentHeader({ number, base, createdMs: Math.max(0, Math.floor(nowMs())) })], 0);
    await calls.datasync(fd);
    syncFolder(dirname(path));
    return fd;
  } catch (error) {
    closeSync(fd);
    rmSync(path, { force: true });
    throw error;
  }
}

/** Makes names of files as safe as their content. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Closes a file that was written to; what was allocated from `end` on goes. */
export function closeSegment(fd: number, end?: number): void {
  try {
    if (end !== undefined) {
      ftruncateSync(fd, end);
      fsyncSync(fd);
    }
  } finally {
    closeSync(fd);
  }
}
