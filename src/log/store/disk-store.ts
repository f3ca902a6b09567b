import { rmSync } from 'node:fs';
import { messageOf } from '../../errors.js';
import type { Logger } from '../../support/index.js';
import { checkpointOf, checkpointOffsets, writeCheckpoint } from './checkpoint.js';
import { StoreClosedError } from './errors.js';
import type { GroupWriter } from './group-writer.js';
import { indexPath, writeIndex } from './index-file.js';
import type { FolderLock } from './lock.js';
import { pagesOf } from './pages.js';
import { Reader } from './reader.js';
import type { Segment } from './segment.js';
import { syncFolder } from './segment-file.js';
import type { Batch, CommitResult, LogStore, ReadOptions, StoredRecord, StoreStats, TopicState } from './store.js';
import type { StoreState } from './store-state.js';

export interface DiskStoreParts {
  readonly state: StoreState;
  readonly lock: FolderLock;
  readonly logger: Logger;
  /** Makes the writer, which tells of sealed segments. */
  readonly writer: (onSealed: (segment: Segment) => Promise<void>) => GroupWriter;
}

/** The store over the files of one folder. */
export class DiskStore implements LogStore {
  readonly folder: string;
  readonly #state: StoreState;
  readonly #lock: FolderLock;
  readonly #logger: Logger;
  readonly #writer: GroupWriter;
  readonly #reader = new Reader();
  /** Sidecars and deletions, one after another, behind the commits. */
  #chores: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor({ state, lock, logger, writer }: DiskStoreParts) {
    this.folder = state.folder;
    this.#state = state;
    this.#lock = lock;
    this.#logger = logger;
    this.#writer = writer((segment) => this.#sealed(segment));
  }

  commit(batch: Batch): Promise<CommitResult> {
    if (this.#closing) return Promise.reject(new StoreClosedError(this.folder));
    return this.#writer.commit(batch);
  }

  get congested(): boolean {
    return this.#writer.congested;
  }

  drained(): Promise<void> {
    return this.#writer.drained();
  }

  async flush(): Promise<void> {
    this.#checkOpen();
    await this.#writer.flush();
  }

  async read(topic: string, options?: ReadOptions): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    const log = this.#state.topics.get(topic);
    return log ? await this.#reader.page(log, options) : [];
  }

  pages(topic: string, options: ReadOptions = {}): AsyncGenerator<readonly StoredRecord[], void, undefined> {
    return pagesOf((page) => this.read(topic, page), options);
  }

  async sequenceAt(topic: string, timestampMs: number): Promise<number> {
    this.#checkOpen();
    const log = this.#state.topics.get(topic);
    return log ? await this.#reader.sequenceAt(log, timestampMs) : 0;
  }

  topic(name: string): TopicState | undefined {
    this.#checkOpen();
    const log = this.#state.topics.get(name);
    return log && log.last >= 0 ? log.state : undefined;
  }

  topics(): readonly TopicState[] {
    this.#checkOpen();
    return [...this.#state.topics.values()]
      .filter(({ last }) => last >= 0)
      .map(({ state }) => state)
      .sort((a, b) => compare(a.topic, b.topic));
  }

  get(key: string): string | undefined {
    this.#checkOpen();
    return this.#state.facts.get(key);
  }

  list(prefix: string): readonly (readonly [key: string, value: string])[] {
    this.#checkOpen();
    return [...this.#state.facts].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => compare(a, b));
  }

  async drop(topic: string, beforeSequence: number): Promise<number> {
    this.#checkOpen();
    const log = this.#state.topics.get(topic);
    if (!log) return 0;
    const { first } = log;
    const before = Math.min(beforeSequence, log.last + 1);
    if (before <= first) return 0;
    await this.#writer.commit({ drops: [[log, before]] });
    await this.#chore('deleting segments', () => this.collect());
    return log.first - first;
  }

  stats(): StoreStats {
    const { segments } = this.#state;
    const { commits, syncs, inFlight } = this.#writer;
    return {
      segments: segments.length,
      bytes: segments.reduce((sum, { end }) => sum + end, 0),
      commits,
      syncs,
      inFlight,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#writer.close();
      await this.#chores;
      if (this.#writer.hasFailed) return; // what is on disk is for the next start to find out
      const { active, topics } = this.#state;
      await this.#chore('the last checkpoint', async () => {
        await writeIndex(active, topics);
        await writeCheckpoint(this.folder, checkpointOf(this.#state));
      });
    } finally {
      this.#reader.close();
      this.#lock.release();
    }
  }

  #checkOpen(): void {
    if (this.#closing) throw new StoreClosedError(this.folder);
  }

  #sealed(segment: Segment): Promise<void> {
    const checkpoint = checkpointOf(this.#state);
    return this.#chore(`sealing ${segment.path}`, async () => {
      await writeIndex(segment, this.#state.topics);
      await writeCheckpoint(this.folder, checkpoint);
    });
  }

  /** What fails here costs time at the next start and no data, so it is only said. */
  #chore(what: string, work: () => Promise<void>): Promise<void> {
    this.#chores = this.#chores.then(work).catch((error: unknown) => {
      this.#logger.warn(`${what} failed: ${messageOf(error)}`);
    });
    return this.#chores;
  }

  /** Deletes sealed segments without live records, once the two newest checkpoints know their facts. */
  async collect(): Promise<void> {
    const { segments, topics } = this.#state;
    const dead = segments.slice(0, -1).filter(({ indexes }) => {
      return [...indexes].every(([id, { lastSequence }]) => (topics.byId(id)?.first ?? 0) > lastSequence);
    });
    const newest = dead.at(-1);
    if (!newest) return;
    const end = newest.base + newest.end;
    const kept = checkpointOffsets(this.folder);
    if (kept.filter((offset) => offset >= end).length < 2) {
      const checkpoint = checkpointOf(this.#state);
      await this.#writer.sync(); // not flush(): commits on their way may wait for the chore behind this one
      await writeCheckpoint(this.folder, checkpoint);
    }
    for (const segment of dead) {
      this.#reader.forget(segment);
      segments.splice(segments.indexOf(segment), 1);
      for (const id of segment.indexes.keys()) {
        const parts = topics.byId(id)?.parts ?? [];
        const at = parts.findIndex((part) => part.segment === segment);
        if (at !== -1) parts.splice(at, 1);
      }
      rmSync(segment.path, { force: true });
      rmSync(indexPath(segment), { force: true });
    }
    syncFolder(this.folder);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
