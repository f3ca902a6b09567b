import type { LogStore } from '../store/store.js';
import type { NodeClock } from './clock.js';
import type { LogNodeOptions } from './node-options.js';
import type { ProcTable } from './proc-table.js';
import type { TopicEntry } from './topic-entry.js';

export interface CollectorOptions extends Pick<LogNodeOptions, 'gc' | 'keepMs'> {
  readonly store: LogStore;
  readonly table: ProcTable;
  readonly clock: NodeClock;
  readonly onError: (error: unknown, during: string) => void;
}

const DEFAULT_MS = 30_000;
const LEAST_TRIMMED = 256;
/** Where room is short, a smaller gain is worth the work of compaction as well. */
const SHORT_WASTE_SHARE = 0.1;

/**
 * Forgets old records, one collection at a time. Of a topic with procs those stay that one of them may still want: from
 * the claim before its newest on, and whatever it has not acknowledged, also when it is disabled or never claimed.
 */
export class Collector {
  readonly #options: CollectorOptions;
  #running: Promise<number> | undefined;
  #cancel: (() => void) | undefined;
  readonly #stopped = new AbortController();

  constructor(options: CollectorOptions) {
    this.#options = options;
    if (options.gc || options.keepMs) this.#schedule();
  }

  /** @returns how many records went */
  collect(): Promise<number> {
    this.#running ??= this.#collect().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Forgets at once what all procs of a topic have acknowledged. @returns how many records went */
  async trim(name: string): Promise<number> {
    const topic = this.#options.table.topic(name);
    const before = acknowledged(topic);
    if (before <= topic.first) return 0;
    topic.first = before;
    return await this.#options.store.drop(name, before);
  }

  /** The same when it is worth it: what goes is as much as what stays, so that a record costs a bounded share. */
  trimNowAndThen(topic: TopicEntry): void {
    const { onError } = this.#options;
    const before = acknowledged(topic);
    const goes = before - topic.first;
    if (goes < LEAST_TRIMMED || goes < topic.last - before) return;
    this.trim(topic.name).catch((error: unknown) => onError(error, 'forgetting old records'));
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#cancel?.();
    await this.#running?.catch(() => 0);
  }

  #schedule(): void {
    const { clock, gc, onError } = this.#options;
    this.#cancel = clock.after(gc?.intervalMs ?? DEFAULT_MS, () => {
      this.collect()
        .catch((error: unknown) => onError(error, 'collecting old records'))
        .finally(() => {
          if (!this.#stopped.signal.aborted) this.#schedule();
        });
    });
  }

  async #collect(): Promise<number> {
    const errors: unknown[] = [];
    let dropped = 0;
    for (const topic of [...this.#options.table.topics]) {
      if (this.#stopped.signal.aborted) return dropped;
      if (topic.first > topic.last) continue;
      try {
        dropped += await this.#dropOld(topic);
      } catch (error) {
        errors.push(error); // of this one only
      }
    }
    const { gc } = this.#options;
    if (gc) dropped += await this.#makeRoom(gc.maxBytes ?? Number.POSITIVE_INFINITY, errors);
    if (errors.length > 0) throw errors[0];
    return dropped;
  }

  /**
   * Compacts where that is worth it; forgets the oldest that nobody may want any more when the log is too large, and all of
   * that when the disk is full. What cannot be compacted, for want of room or for damage, keeps nothing else from going.
   */
  async #makeRoom(maxBytes: number, errors: unknown[]): Promise<number> {
    const { store, table } = this.#options;
    const { signal } = this.#stopped;
    const { bytes, isFull } = store.stats();
    const isShort = bytes > maxBytes || isFull;
    const options = isShort ? { signal, wasteShare: SHORT_WASTE_SHARE, seals: isFull } : { signal };
    const compact = async (): Promise<void> => {
      await store.compact(options).catch((error: unknown) => errors.push(error));
    };
    let dropped = 0;
    if (isFull) for (const topic of [...table.topics]) dropped += await this.#drop(topic, keepFrom(topic));
    await compact();
    const excess = store.stats().bytes - maxBytes;
    if (excess <= 0) return dropped;
    for (const [name, before] of store.oldest(excess, (topic) => keepFrom(table.topic(topic)))) {
      if (signal.aborted) return dropped;
      dropped += await this.#drop(table.topic(name), before);
    }
    if (dropped > 0) await compact();
    return dropped;
  }

  async #dropOld(topic: TopicEntry): Promise<number> {
    const { store, clock, gc, keepMs } = this.#options;
    const keptMs = keepMs?.[topic.name];
    if (keptMs === undefined && !gc) return 0;
    const ageMs = keptMs ?? gc?.minPruneTimeMs ?? DEFAULT_MS;
    const before = await store.sequenceAt(topic.name, clock.wallMs() - ageMs);
    return await this.#drop(topic, Math.min(before, keptMs === undefined ? keepFrom(topic) : topic.last + 1));
  }

  async #drop(topic: TopicEntry, before: number): Promise<number> {
    if (before <= topic.first) return 0;
    const dropped = await this.#options.store.drop(topic.name, before);
    topic.first = Math.max(topic.first, before);
    return dropped;
  }
}

/** Sequence of the oldest record that one of the procs of a topic may still want; after the last one when there is none. */
function keepFrom(topic: TopicEntry): number {
  let from = topic.last + 1;
  for (const proc of topic.procs) from = Math.min(from, proc.keepFrom);
  return from;
}

/** Sequence of the first record that one of the procs has not acknowledged for good. */
function acknowledged(topic: TopicEntry): number {
  let before = topic.last + 1;
  for (const { safePosition } of topic.procs) before = Math.min(before, safePosition);
  return before;
}
