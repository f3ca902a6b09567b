import type { LogStore, StoredRecord, TopicState } from '../store/store.js';
import { LogError } from './log-error.js';
import type { RangeOptions } from './log-records.js';
import { Offsets } from './offsets.js';

export type PageOptions = RangeOptions & { readonly reverse?: boolean };

/** Reads topics, for those who ask for ranges. */
export class TopicReader {
  readonly #store: LogStore;
  readonly #offsets: Offsets;

  constructor(store: LogStore) {
    this.#store = store;
    this.#offsets = new Offsets(store);
  }

  /** @throws {LogError} invalid_topic, invalid_range_offset */
  async *pages(topic: string, options: PageOptions): AsyncGenerator<readonly StoredRecord[], void, undefined> {
    const { reverse = false, limit = 0 } = options;
    this.need(topic);
    const span = await this.#offsets.span(topic, options, reverse);
    if (!span) return;
    const size = span.last - span.first + 1;
    yield* this.#store.pages(topic, {
      from: reverse ? span.last : span.first,
      limit: limit > 0 ? Math.min(limit, size) : size,
      reverse,
    });
  }

  async all(topic: string, options: PageOptions): Promise<readonly StoredRecord[]> {
    const records: StoredRecord[] = [];
    for await (const page of this.pages(topic, options)) for (const record of page) records.push(record);
    return records;
  }

  /** @throws {LogError} invalid_topic */
  need(topic: string): TopicState {
    const state = this.#store.topic(topic);
    if (!state) throw new LogError('invalid_topic', `there is no topic '${topic}'`);
    return state;
  }
}
