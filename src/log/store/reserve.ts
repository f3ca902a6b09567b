import { closeSync, ftruncateSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, isNoRoom } from './disk-calls.js';

const MOST_BYTES = 8 * 1024 * 1024;
/** Of a small file system, that much of it. */
const SHARE = 1 / 16;
/** Of the reserve: more that has to be there to get it back, so that the next record does not take it at once. */
const SLACK_SHARE = 1 / 8;
const TRY_EVERY_MS = 200;

/**
 * A file that keeps room on the disk. When the disk is full it goes, and what gives room back can be written: who has
 * taken what, what is dropped. Records have to wait until it is there again.
 */
export class Reserve {
  readonly #path: string;
  readonly #bytes: number;
  #isHeld = false;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(folder: string) {
    this.#path = join(folder, 'reserve');
    const { bsize, blocks } = statfsSync(folder);
    this.#bytes = Math.min(MOST_BYTES, Math.floor(bsize * blocks * SHARE));
    this.#isHeld = (statSync(this.#path, { throwIfNoEntry: false })?.size ?? -1) >= this.#bytes;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** False where there is no room for it. Asks the disk now and then only. */
  take(): boolean {
    if (this.#isHeld || performance.now() - this.#failedAtMs < TRY_EVERY_MS) return this.#isHeld;
    try {
      fill(this.#path, this.#bytes);
      this.#isHeld = true;
    } catch (error) {
      rmSync(this.#path, { force: true });
      this.#failedAtMs = performance.now();
      // Where such a file may not be, it goes without.
      this.#isHeld = !isNoRoom(error) || hasCode(error, 'EFBIG');
    }
    return this.#isHeld;
  }

  /** The disk is full. */
  release(): void {
    rmSync(this.#path, { force: true });
    this.#isHeld = false;
  }
}

/** With zeros that are really there, and not only promised. */
function fill(path: string, bytes: number): void {
  const fd = openSync(path, 'w', 0o600);
  try {
    const zeros = Buffer.alloc(Math.ceil(bytes * SLACK_SHARE));
    for (let at = 0; at < bytes + zeros.length; ) at += writeSync(fd, zeros, 0, zeros.length, at);
    ftruncateSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
}
