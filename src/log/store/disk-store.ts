import { messageOf } from '../../errors.js';
import type { Logger } from '../../support/index.js';
import { checkpointOf, writeCheckpoint } from './checkpoint.js';
import { StoreClosedError } from './errors.js';
import type { GroupWriter } from './group-writer.js';
import { writeIndex } from './index-file.js';
import type { FolderLock } from './lock.js';
import { pagesOf } from './pages.js';
import { Reader } from './reader.js';
import type { Reserve } from './reserve.js';
import type { Segment } from './segment.js';
import type {
  Batch,
  CommitResult,
  CompactOptions,
  CompactResult,
  LogStore,
  ReadOptions,
  Receipt,
  StoredRecord,
  StoreStats,
  TopicState,
} from './store.js';
import type { StoreState } from './store-state.js';
import { Sweeper, type SweeperParts } from './sweeper.js';

export interface DiskStoreParts extends Pick<SweeperParts, 'segmentBytes' | 'nowMs' | 'calls'> {
  readonly state: StoreState;
  readonly lock: FolderLock;
  readonly reserve: Reserve;
  readonly logger: Logger;
  /** Makes the writer, which tells of sealed segments. */
  readonly writer: (onSealed: (segment: Segment) => Promise<void>) => GroupWriter;
}

/** The store over the files of one folder. */
export class DiskStore implements LogStore {
  readonly folder: string;
  readonly #state: StoreState;
  readonly #lock: FolderLock;
  readonly #reserve: Reserve;
  readonly #logger: Logger;
  readonly #writer: GroupWriter;
  readonly #reader = new Reader();
  readonly #sweeper: Sweeper;
  /** Sidecars and deletions, one after another, behind the commits. */
  #chores: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor({ state, lock, reserve, logger, writer, ...options }: DiskStoreParts) {
    this.folder = state.folder;
    this.#state = state;
    this.#lock = lock;
    this.#reserve = reserve;
    this.#logger = logger;
    this.#writer = writer((segment) => this.#sealed(segment));
    this.#sweeper = new Sweeper({
      ...options,
      state,
      reader: this.#reader,
      sync: () => this.#writer.sync(),
      seal: () => this.#writer.seal(),
      chore: (what, work) => this.#chore(what, work),
    });
  }

  commit(batch: Batch): Promise<CommitResult> {
    if (this.#closing) return Promise.reject(new StoreClosedError(this.folder));
    return this.#writer.commit(batch);
  }

  submit(batch: Batch, receipt: Receipt): void {
    if (this.#closing) queueMicrotask(() => receipt.refused(new StoreClosedError(this.folder)));
    else this.#writer.submit(batch, receipt);
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
    await this.#chore('deleting segments', () => this.#sweeper.collect());
    return log.first - first;
  }

  oldest(bytes: number, keepFrom: (topic: string) => number): ReadonlyMap<string, number> {
    this.#checkOpen();
    const { segments, topics } = this.#state;
    const before = new Map<string, number>();
    let freed = 0;
    for (const { indexes } of segments.slice(0, -1)) {
      if (freed >= bytes) break;
      for (const [id, index] of indexes) {
        const topic = topics.byId(id);
        if (!topic) continue;
        const end = Math.min(index.lastSequence + 1, keepFrom(topic.name));
        if (end <= topic.first) continue;
        before.set(topic.name, end);
        freed += index.bytesFrom(topic.first) - index.bytesFrom(end);
      }
    }
    return before;
  }

  async compact(options: CompactOptions = {}): Promise<CompactResult> {
    this.#checkOpen();
    return await this.#sweeper.compact(options);
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
      isFull: !this.#reserve.isHeld,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#sweeper.close();
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

  /** What a crash left undone: segments without live records, and indexes that are missing. */
  async tidy(): Promise<void> {
    await this.#sweeper.collect();
    await this.#sweeper.index();
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
