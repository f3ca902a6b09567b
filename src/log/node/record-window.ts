import type { LogStore, StoredRecord } from '../store/store.js';
import type { TopicEntry } from './topic-entry.js';

/** Read ahead of what is asked for, so that a consumer of single records costs one read for many of them. */
const AHEAD_RECORDS = 256;
const AHEAD_BYTES = 256 * 1024;
const NONE: readonly StoredRecord[] = [];

/** What one consumer reads of a topic, forwards, with the records behind it at hand until they are given out. */
export class RecordWindow {
  readonly #store: LogStore;
  readonly #topic: TopicEntry;
  /** Without gaps. */
  #records = NONE;
  #reading: Promise<unknown> | undefined;

  constructor(store: LogStore, topic: TopicEntry) {
    this.#store = store;
    this.#topic = topic;
  }

  /** As the store reads: one at least if there is one, and more up to `count` as far as one read goes. */
  async read(from: number, count: number): Promise<readonly StoredRecord[]> {
    for (;;) {
      if ((this.#records[0]?.sequence ?? 0) < this.#topic.first) this.#records = NONE;
      const found = this.#take(from, count);
      if (found) return found;
      // What came back lies before what is at hand, and is not worth forgetting that.
      const first = this.#records[0]?.sequence;
      if (first !== undefined && from < first) return await this.#store.read(this.#topic.name, { from, limit: count });
      if (!this.#reading) return await this.#fill(from, count);
      await this.#reading.catch(() => undefined); // its caller is told
    }
  }

  #take(from: number, count: number): readonly StoredRecord[] | undefined {
    const records = this.#records;
    const at = from - (records[0]?.sequence ?? Number.POSITIVE_INFINITY);
    if (!(at >= 0 && at + count <= records.length)) return undefined;
    if (at + count === records.length) this.#records = NONE;
    return records.slice(at, at + count);
  }

  async #fill(from: number, count: number): Promise<readonly StoredRecord[]> {
    const limit = Math.max(count, AHEAD_RECORDS);
    const options = count < AHEAD_RECORDS ? { from, limit, maxBytes: AHEAD_BYTES } : { from, limit };
    const reading = this.#store.read(this.#topic.name, options);
    this.#reading = reading;
    try {
      const records = await reading;
      this.#records = records.length > count ? records : NONE;
      return records.slice(0, count);
    } finally {
      this.#reading = undefined;
    }
  }
}
