import { StoreClosedError } from '../store/errors.js';
import { pagesOf } from '../store/pages.js';
import type {
  Batch,
  CommitResult,
  CompactResult,
  LogStore,
  Put,
  ReadOptions,
  Receipt,
  StoredRecord,
  StoreStats,
  TopicState,
} from '../store/store.js';

const NONE = Buffer.alloc(0);
const DEFAULT_MAX_BYTES = 1024 * 1024;
/** Records of one topic that count as of one age. */
const STRIDE = 64;
const NOTHING = { body: NONE, headers: NONE };

interface MemoryTopic {
  readonly name: string;
  first: number;
  lastTimestampMs: number;
  records: StoredRecord[];
}

/** The store without a disk: the same promises, until the process ends. */
export class MemoryStore implements LogStore {
  readonly folder: string;
  readonly congested = false;
  readonly #nowMs: () => number;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #facts = new Map<string, string>();
  #lastTimestampMs = 0;
  #bytes = 0;
  #commits = 0;
  #isClosed = false;
  /** The next turn of the event loop, for all commits of this one. */
  #turn: Promise<void> | undefined;

  /** @param name for messages, where others have their folder */
  constructor(name = 'memory', nowMs: () => number = Date.now) {
    this.folder = name;
    this.#nowMs = nowMs;
  }

  async commit({ records = [], puts = [], deletes = [] }: Batch): Promise<CommitResult> {
    this.#checkOpen();
    for (const { topic } of records) checkSize('the name of a topic', topic, 1000);
    for (const { key } of puts) checkSize('a key', key, 65_535);
    if (records.length + puts.length + deletes.length === 0)
      return { timestampMs: this.#lastTimestampMs, sequences: [] };
    const timestampMs = Math.max(Math.floor(this.#nowMs()), this.#lastTimestampMs);
    this.#lastTimestampMs = timestampMs;
    this.#commits++;
    const sequences = records.map(({ topic: name, body, headers }) => {
      const topic = this.#need(name);
      const sequence = topic.first + topic.records.length;
      topic.lastTimestampMs = timestampMs;
      const record = { sequence, timestampMs, body: Buffer.from(body), headers: headers ? Buffer.from(headers) : NONE };
      topic.records.push(record);
      this.#bytes += sizeOf(record);
      return sequence;
    });
    this.#apply(puts, deletes);
    await this.#nextTurn();
    return { timestampMs, sequences };
  }

  submit(batch: Batch, receipt: Receipt): void {
    void this.commit(batch).then(
      (result) => receipt.stored(result),
      (error: unknown) => receipt.refused(error instanceof Error ? error : new Error(String(error))),
    );
  }

  /** A disk takes a moment. Without one, who gives back what he is given again and again would keep the program from all else. */
  #nextTurn(): Promise<void> {
    this.#turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#turn = undefined;
        resolve();
      });
    });
    return this.#turn;
  }

  #apply(puts: readonly Put[], deletes: readonly string[]): void {
    for (const { key, value } of puts) this.#facts.set(key, value);
    for (const key of deletes) this.#facts.delete(key);
  }

  #need(name: string): MemoryTopic {
    const known = this.#topics.get(name);
    if (known) return known;
    const topic = { name, first: 0, lastTimestampMs: 0, records: [] };
    this.#topics.set(name, topic);
    return topic;
  }

  async drained(): Promise<void> {
    this.#checkOpen();
  }

  async flush(): Promise<void> {
    this.#checkOpen();
  }

  async read(name: string, options: ReadOptions = {}): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    const topic = this.#topics.get(name);
    if (!topic) return [];
    const { reverse = false, limit = Number.POSITIVE_INFINITY, maxBytes = DEFAULT_MAX_BYTES } = options;
    const { first, records } = topic;
    const step = reverse ? -1 : 1;
    const from = (options.from ?? (reverse ? Number.POSITIVE_INFINITY : first)) - first;
    const page: StoredRecord[] = [];
    let bytes = 0;
    for (let at = reverse ? Math.min(from, records.length - 1) : Math.max(from, 0); page.length < limit; at += step) {
      const record = records[at];
      if (!record || (page.length > 0 && bytes >= maxBytes)) break;
      page.push(record);
      bytes += sizeOf(record);
    }
    return page;
  }

  pages(topic: string, options: ReadOptions = {}): AsyncGenerator<readonly StoredRecord[], void, undefined> {
    return pagesOf((page) => this.read(topic, page), options);
  }

  async sequenceAt(name: string, timestampMs: number): Promise<number> {
    this.#checkOpen();
    const topic = this.#topics.get(name);
    if (!topic) return 0;
    let low = 0;
    let high = topic.records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((topic.records[middle]?.timestampMs ?? 0) < timestampMs) low = middle + 1;
      else high = middle;
    }
    return topic.first + low;
  }

  topic(name: string): TopicState | undefined {
    this.#checkOpen();
    const topic = this.#topics.get(name);
    return topic && stateOf(topic);
  }

  topics(): readonly TopicState[] {
    this.#checkOpen();
    return [...this.#topics.values()].map(stateOf).sort((a, b) => (a.topic < b.topic ? -1 : 1));
  }

  get(key: string): string | undefined {
    this.#checkOpen();
    return this.#facts.get(key);
  }

  list(prefix: string): readonly (readonly [key: string, value: string])[] {
    this.#checkOpen();
    return [...this.#facts].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async drop(name: string, beforeSequence: number): Promise<number> {
    this.#checkOpen();
    const topic = this.#topics.get(name);
    const count = Math.min(beforeSequence - (topic?.first ?? 0), topic?.records.length ?? 0);
    if (!topic || count <= 0) return 0;
    for (const record of topic.records.slice(0, count)) this.#bytes -= sizeOf(record);
    topic.records = topic.records.slice(count);
    topic.first += count;
    return count;
  }

  oldest(bytes: number, keepFrom: (topic: string) => number): ReadonlyMap<string, number> {
    this.#checkOpen();
    const before = new Map<string, number>();
    const heads = [...this.#topics.values()].map((topic) => ({
      topic,
      at: 0,
      end: Math.min(topic.records.length, keepFrom(topic.name) - topic.first),
    }));
    for (let freed = 0; freed < bytes; ) {
      let oldest: (typeof heads)[number] | undefined;
      let oldestMs = Number.POSITIVE_INFINITY;
      for (const head of heads) {
        const { timestampMs } = (head.at < head.end ? head.topic.records[head.at] : undefined) ?? {};
        if (timestampMs === undefined || timestampMs >= oldestMs) continue;
        oldest = head;
        oldestMs = timestampMs;
      }
      if (!oldest) break;
      const until = Math.min(oldest.at + STRIDE, oldest.end);
      for (; oldest.at < until && freed < bytes; oldest.at++)
        freed += sizeOf(oldest.topic.records[oldest.at] ?? NOTHING);
      before.set(oldest.topic.name, oldest.topic.first + oldest.at);
    }
    return before;
  }

  /** What was dropped is gone at once. */
  async compact(): Promise<CompactResult> {
    this.#checkOpen();
    return { segments: 0, rewritten: 0, bytes: this.#bytes, freedBytes: 0 };
  }

  stats(): StoreStats {
    return { segments: 0, bytes: this.#bytes, commits: this.#commits, syncs: 0, inFlight: 0, isFull: false };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StoreClosedError(this.folder);
  }
}

function stateOf({ name, first, lastTimestampMs, records }: MemoryTopic): TopicState {
  const { length } = records;
  return { topic: name, firstSequence: first, lastSequence: first + length - 1, lastTimestampMs, length };
}

function sizeOf({ body, headers }: Pick<StoredRecord, 'body' | 'headers'>): number {
  return body.length + headers.length;
}

function checkSize(what: string, text: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0 || bytes > maxBytes)
    throw new RangeError(`${what} has 1 to ${maxBytes} bytes, this one has ${bytes}`);
}
