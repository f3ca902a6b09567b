import { mkdirSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Logger, silentLogger } from '../../support/index.js';
import { type DiskCalls, diskCalls, isNoRoom } from './disk-calls.js';
import { DiskStore } from './disk-store.js';
import { DiskFullError } from './errors.js';
import { GroupWriter } from './group-writer.js';
import { type FolderLock, lockFolder } from './lock.js';
import { recover } from './recovery.js';
import { Reserve } from './reserve.js';
import { createSegment, newSegment } from './segment-file.js';
import type { LogStore, StoreOptions } from './store.js';
import type { StoreState } from './store-state.js';

const MIB = 1024 * 1024;
const MAX_SEGMENT_BYTES = 1024 * MIB;

/**
 * Opens the log in a folder, which is made if it is missing, and finishes what a crash left.
 * @throws {StoreLockedError} while another process, or another store of this one, has it open
 * @throws {CorruptionError} when the files are not what was written, other than a torn end
 * @throws {DiskFullError} where there is no room for what a log begins with
 * @throws {RangeError} for options that make no sense
 */
export async function openStore(
  folder: string,
  options: StoreOptions = {},
  calls: DiskCalls = diskCalls,
): Promise<LogStore> {
  const { sync = 'always', segmentBytes = 64 * MIB, maxInFlightBytes = 16 * MIB } = options;
  const { nowMs = Date.now, logger = silentLogger } = options;
  if (!(segmentBytes >= 1 && segmentBytes <= MAX_SEGMENT_BYTES))
    throw new RangeError(`segmentBytes must be 1 to ${MAX_SEGMENT_BYTES}, got ${segmentBytes}`);
  if (!(maxInFlightBytes >= 1)) throw new RangeError(`maxInFlightBytes must be above zero, got ${maxInFlightBytes}`);
  if (typeof sync === 'object' && !(sync.intervalMs > 0))
    throw new RangeError(`sync.intervalMs must be above zero, got ${sync.intervalMs}`);
  const path = resolve(folder);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const reserve = new Reserve(path);
  const lock = lockWithin(path, reserve, logger);
  try {
    const state = recover(path, logger);
    const fd = await writable(state, { nowMs, calls });
    const store = new DiskStore({
      state,
      lock,
      reserve,
      logger,
      ...{ segmentBytes, nowMs, calls },
      writer: (onSealed) =>
        new GroupWriter(state, fd, { sync, segmentBytes, maxInFlightBytes, nowMs, calls, reserve, onSealed }),
    });
    reserve.take();
    await store.tidy();
    return store;
  } catch (error) {
    lock.release();
    throw isNoRoom(error) ? new DiskFullError(path, { cause: error }) : error;
  }
}

/** The lock needs some room, too: at the worst what was kept. */
function lockWithin(path: string, reserve: Reserve, logger: Logger): FolderLock {
  try {
    return lockFolder(path, logger);
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    reserve.release();
  }
  try {
    return lockFolder(path, logger);
  } catch (error) {
    throw isNoRoom(error) ? new DiskFullError(path, { cause: error }) : error;
  }
}

/** The active segment, open for writing; a new log gets its first one, and one whose last was never used its next. */
async function writable(
  state: StoreState,
  options: { readonly nowMs: () => number; readonly calls: DiskCalls },
): Promise<number> {
  const last = state.segments.at(-1);
  if (last) return openSync(last.path, 'r+');
  const first = newSegment(state.folder, 0, 0);
  const fd = await createSegment(first, options);
  state.segments.push(first);
  return fd;
}
