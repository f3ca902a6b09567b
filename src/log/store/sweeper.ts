import { renameSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { checkpointOf, checkpointOffsets, writeCheckpoint } from './checkpoint.js';
import { planCompaction } from './compaction-plan.js';
import { type DiskCalls, isNoRoom } from './disk-calls.js';
import { CorruptionError, DiskFullError } from './errors.js';
import { indexPath, writeIndex } from './index-file.js';
import type { Reader } from './reader.js';
import type { Segment } from './segment.js';
import { copySegments, type SegmentCopy } from './segment-copy.js';
import type { CompactOptions, CompactResult } from './store.js';
import type { StoreState } from './store-state.js';

export interface SweeperParts {
  readonly state: StoreState;
  readonly reader: Reader;
  readonly segmentBytes: number;
  readonly nowMs: () => number;
  readonly calls: DiskCalls;
  /** Makes safe what is visible, without waiting for commits on their way. */
  readonly sync: () => Promise<void>;
  /** Ends the segment that is written to and begins the next. */
  readonly seal: () => Promise<void>;
  /** Runs work behind other work on the same files. Never rejects. */
  readonly chore: (what: string, work: () => Promise<void>) => Promise<void>;
}

const DEFAULT_WASTE_SHARE = 0.5;
/** Of a whole segment, the least to gain. */
const MIN_FREED_SHARE = 1 / 64;

/**
 * Takes room back: deletes segments without live records, and writes those anew that have few.
 *
 * A segment is replaced in steps of which each may be the last: the copy lies whole and synced beside; the old index goes;
 * the copy is renamed over the oldest of the segments that it stands for, and says in its header up to where; the others,
 * and then their indexes, go. A start that finds segments within the reach of another deletes them.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #closing = new AbortController();
  #compacting: Promise<CompactResult> | undefined;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** Deletes sealed segments without live records, once the two newest checkpoints know their facts. */
  async collect(): Promise<void> {
    const { state, reader } = this.#parts;
    const { segments, topics } = state;
    const dead = segments.slice(0, -1).filter(({ indexes }) => {
      return [...indexes].every(([id, { lastSequence }]) => (topics.byId(id)?.first ?? 0) > lastSequence);
    });
    const newest = dead.at(-1);
    if (!newest) return;
    await this.#checkpointBeyond(newest.until);
    for (const segment of dead) {
      this.#forget(segment);
      segments.splice(segments.indexOf(segment), 1);
      reader.forget(segment);
    }
    await removeFiles(state.folder, dead);
  }

  /** Writes the indexes that sealed segments should have. */
  async index(): Promise<void> {
    const { segments, topics } = this.#parts.state;
    for (const segment of segments.slice(0, -1)) if (!segment.isIndexed) await writeIndex(segment, topics);
  }

  /** Joins one that is running. @throws as `LogStore.compact` */
  compact(options: CompactOptions): Promise<CompactResult> {
    this.#compacting ??= this.#compact(options).finally(() => {
      this.#compacting = undefined;
    });
    return this.#compacting;
  }

  /** Breaks off what is running. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#compacting?.catch(() => undefined);
  }

  async #compact(options: CompactOptions): Promise<CompactResult> {
    const { state, chore, seal } = this.#parts;
    const { segments } = state;
    if (options.seals && this.#plan(options, [state.active]).length > 0) await seal();
    const signal = options.signal ? AbortSignal.any([options.signal, this.#closing.signal]) : this.#closing.signal;
    await chore('deleting segments', () => this.collect());
    const before = sizeOf(segments);
    const found: CorruptionError[] = [];
    let rewritten = 0;
    for (let known = -1; known < found.length && !signal.aborted; ) {
      known = found.length; // what was found damaged is left out the next time
      for (const sources of this.#plan(options, segments.slice(0, -1)))
        rewritten += await this.#rewrite(sources, { ...options, signal }, found);
    }
    await chore('deleting segments', () => this.collect());
    if (found[0]) throw found[0];
    return { segments: segments.length, rewritten, bytes: sizeOf(segments), freedBytes: before - sizeOf(segments) };
  }

  #plan(
    { wasteShare = DEFAULT_WASTE_SHARE, minFreedBytes }: CompactOptions,
    segments: readonly Segment[],
  ): readonly (readonly Segment[])[] {
    const { state, segmentBytes } = this.#parts;
    return planCompaction(segments, {
      ...{ segmentBytes, wasteShare },
      minFreedBytes: minFreedBytes ?? segmentBytes * MIN_FREED_SHARE,
      first: (id) => state.topics.byId(id)?.first ?? 0,
    });
  }

  /** Makes one of some. @returns how many it took the place of */
  async #rewrite(
    sources: readonly Segment[],
    { onCopied, signal }: CompactOptions & { readonly signal: AbortSignal },
    found: CorruptionError[],
  ): Promise<number> {
    if (signal.aborted) return 0;
    const copy = await this.#copy(sources, signal).catch((error: unknown) => void found.push(damageOf(error, sources)));
    if (!copy) return 0;
    await this.#parts.chore(`compacting ${copy.segment.path}`, () => this.#replace(sources, copy));
    await rm(copy.file, { force: true });
    onCopied?.(sizeOf(sources));
    return copy.segment.isIndexed ? sources.length : 0;
  }

  /** @returns undefined when there is nothing to put in their place, or no reason to any more */
  async #copy(sources: readonly Segment[], signal: AbortSignal): Promise<SegmentCopy | undefined> {
    const { state, nowMs, calls } = this.#parts;
    try {
      return await copySegments(sources, { topics: state.topics, calls, nowMs, signal });
    } catch (error) {
      if (signal.aborted || sources.some(({ isGone }) => isGone)) return undefined;
      throw isNoRoom(error) ? new DiskFullError(state.folder, { cause: error }) : error;
    }
  }

  /** Puts the copy in the place of its sources, unless one of these was deleted meanwhile. */
  async #replace(sources: readonly Segment[], { segment, file }: SegmentCopy): Promise<void> {
    const { state, reader } = this.#parts;
    const { folder, segments, topics } = state;
    const [oldest] = sources;
    const at = oldest ? segments.indexOf(oldest) : -1;
    if (at === -1 || sources.some((source, place) => segments[at + place] !== source)) return;
    await this.#checkpointBeyond(segment.until);
    await removed(folder, [indexPath(segment)]); // one that does not fit its segment would look like damage
    renameSync(file, segment.path);
    // From here to the end of this turn nobody else runs: readers see the old segments or the new one.
    for (const [id, index] of segment.indexes) {
      const parts = topics.byId(id)?.parts ?? [];
      const place = parts.findIndex((part) => sources.includes(part.segment));
      if (place !== -1) parts.splice(place, 0, { segment, index });
    }
    segments.splice(at, sources.length, segment);
    for (const source of sources) {
      this.#forget(source);
      reader.forget(source);
    }
    await syncFolder(folder);
    await writeIndex(segment, topics);
    await removeFiles(folder, sources.slice(1));
  }

  /** Takes a segment out of the topics that have records in it. */
  #forget(segment: Segment): void {
    const { topics } = this.#parts.state;
    segment.isGone = true;
    for (const id of segment.indexes.keys()) {
      const parts = topics.byId(id)?.parts ?? [];
      const at = parts.findIndex((part) => part.segment === segment);
      if (at !== -1) parts.splice(at, 1);
    }
  }

  /** Both checkpoints that are kept know all facts before a log offset, and all drops until now are safe. */
  async #checkpointBeyond(end: number): Promise<void> {
    const { state, sync } = this.#parts;
    const checkpoint = checkpointOf(state);
    await sync();
    if (checkpointOffsets(state.folder).filter((offset) => offset >= end).length < 2)
      await writeCheckpoint(state.folder, checkpoint);
  }
}

/** What is damaged stays as it is, for whoever repairs it, and does not keep the rest from being compacted. */
function damageOf(error: unknown, sources: readonly Segment[]): CorruptionError {
  if (!(error instanceof CorruptionError)) throw error;
  for (const source of sources) source.isDamaged ||= source.path === error.file;
  return error;
}

function sizeOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { end }) => sum + end, 0);
}

/** Segments first: an index alone is nothing, a segment alone would be read. */
async function removeFiles(folder: string, segments: readonly Segment[]): Promise<void> {
  if (segments.length === 0) return;
  await removed(
    folder,
    segments.map(({ path }) => path),
  );
  await removed(folder, segments.map(indexPath));
}

async function removed(folder: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true });
  await syncFolder(folder);
}

/** Makes names of files as safe as their content, without holding up anybody. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
