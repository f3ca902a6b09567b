import type { Segment } from './segment.js';

export interface CompactionWish {
  /** Bytes of the largest segment that may come of it. */
  readonly segmentBytes: number;
  /** What of the bytes of a run must be waste to be worth the work: above 0, at most 1. */
  readonly wasteShare: number;
  /** The least to gain from one run. */
  readonly minFreedBytes: number;
  /** Sequence of the oldest record of a topic, given by its number, that was not dropped. */
  readonly first: (topic: number) => number;
}

/** One that has become this small is worth joining with its neighbours: files that stay are work for every start. */
const SMALL_SHARE = 0.25;

/** Segments that are side by side and are to become one. */
interface Run {
  segments: Segment[];
  bytes: number;
  live: number;
}

/**
 * Which sealed segments to write anew, each run as one. As a run frees at least as much as it copies when half of it is
 * waste, all the copying of a log's life is at most what was committed.
 * @param sealed oldest first
 */
export function planCompaction(sealed: readonly Segment[], wish: CompactionWish): readonly (readonly Segment[])[] {
  const { segmentBytes, wasteShare, minFreedBytes, first } = wish;
  const runs: Run[] = [];
  let run: Run = { segments: [], bytes: 0, live: 0 };
  const close = (): void => {
    const waste = run.bytes - run.live;
    if (waste >= minFreedBytes && waste >= run.bytes * wasteShare) runs.push(run);
    run = { segments: [], bytes: 0, live: 0 };
  };
  for (const segment of sealed) {
    const live = segment.liveBytes(first);
    const isWasteful = segment.end - live >= segment.end * wasteShare;
    const isSmall = segment.end <= segmentBytes * SMALL_SHARE;
    if (run.live + live > segmentBytes) close();
    if (segment.isDamaged || (!isWasteful && !isSmall)) close();
    else run = { segments: [...run.segments, segment], bytes: run.bytes + segment.end, live: run.live + live };
  }
  close();
  return runs.map(({ segments }) => segments);
}
