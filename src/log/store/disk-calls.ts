import { fdatasync, writev, writevSync } from 'node:fs';

/** What the writer asks of the disk; specs hand in one that fails. */
export interface DiskCalls {
  /** Writes all bytes, at a place. */
  write(fd: number, buffers: readonly Buffer[], position: number): Promise<void>;
  datasync(fd: number): Promise<void>;
}

export const diskCalls: DiskCalls = {
  async write(fd, buffers, position) {
    let rest = buffers;
    let at = position;
    while (rest.length > 0) {
      const written = await writeSome(fd, rest, at); // a disk that is nearly full takes a part
      rest = without(rest, written);
      at += written;
    }
  },
  datasync: (fd) =>
    new Promise((resolve, reject) => {
      fdatasync(fd, (error) => (error ? reject(error) : resolve()));
    }),
};

/**
 * A write into the system's cache takes microseconds, less than the way to another thread and back; what is too large for
 * that does not hold up the event loop.
 */
const AT_ONCE_BYTES = 512 * 1024;

async function writeSome(fd: number, buffers: readonly Buffer[], position: number): Promise<number> {
  if (buffers.reduce((sum, { length }) => sum + length, 0) <= AT_ONCE_BYTES) return writevSync(fd, buffers, position);
  return new Promise((resolve, reject) => {
    writev(fd, buffers, position, (error, written) => (error ? reject(error) : resolve(written)));
  });
}

function without(buffers: readonly Buffer[], count: number): Buffer[] {
  let left = count;
  const rest: Buffer[] = [];
  for (const buffer of buffers) {
    if (left < buffer.length) rest.push(left > 0 ? buffer.subarray(left) : buffer);
    left = Math.max(0, left - buffer.length);
  }
  return rest;
}

/** The disk, or a quota, or a limit on the size of files says that there is no room; it may have some later. */
export function isNoRoom(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].some((code) => hasCode(error, code));
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
