import { nextPatienceEndMs } from './departing.js';
import type { Executor } from './executor.js';
import type { ProcessFeed } from './process-feed.js';
import type { RecordsFile } from './records-file.js';

/** All that has something wait for time to pass. Whatever else changes wakes by itself. */
export interface Waiting {
  readonly executor: Pick<Executor, 'nextTryAtMs' | 'nextFailingAtMs' | 'published'>;
  readonly processes: Pick<ProcessFeed, 'nextOverdueAtMs'>;
  readonly records: Pick<RecordsFile, 'isSaved'>;
}

/** What is over within the same so long, in ms, is seen by one pass. */
const GRAIN_MS = 1000;
/** What could not be written is tried again after so long, in ms. */
const WRITE_AGAIN_MS = 5000;

/**
 * In how many ms a pass is due although nothing happens; `Infinity`: never.
 * @param seenMs what was not over at this time has not been seen by a pass; before `nowMs`, since a pass takes time
 */
export function dueInMs({ executor, processes, records }: Waiting, seenMs: number, nowMs: number): number {
  const overAtMs = Math.min(
    executor.nextFailingAtMs(seenMs),
    processes.nextOverdueAtMs(seenMs),
    nextPatienceEndMs(executor.published.values(), seenMs),
  );
  const inMs = Math.min(
    executor.nextTryAtMs - nowMs,
    (Math.floor(overAtMs / GRAIN_MS) + 1) * GRAIN_MS - nowMs,
    records.isSaved ? Number.POSITIVE_INFINITY : WRITE_AGAIN_MS,
  );
  return Math.max(0, inMs);
}
