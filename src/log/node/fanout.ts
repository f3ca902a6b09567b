import type { NewRecord } from '../store/store.js';
import type { Bindings } from './bindings.js';
import type { Unsubscribe } from './log-listening.js';
import { bytesOf, MAX_COMMIT_BYTES } from './names.js';
import type { ProcTable } from './proc-table.js';

export interface FanoutOptions {
  readonly bindings: Bindings;
  readonly table: ProcTable;
  readonly history: boolean;
  readonly onError: (error: unknown, during: string) => void;
}

/** What becomes of the records of a commit besides: copies for what is bound, and a look for those who look on. */
export class Fanout {
  readonly #options: FanoutOptions;
  readonly #watchers = new Map<string, Set<(record: NewRecord) => void>>();

  constructor(options: FanoutOptions) {
    this.#options = options;
  }

  /** The records, and behind them their copies. */
  spread(records: readonly NewRecord[]): readonly NewRecord[] {
    return records.length === 0 ? records : this.#options.bindings.spread(records);
  }

  /**
   * Batches that a store takes, where they are too much for one: large messages with many copies. The one that has to be
   * stored last comes first: what is killed in between is sent again, and some of its copies are there twice.
   */
  batches(records: readonly NewRecord[]): readonly (readonly NewRecord[])[] | undefined {
    let bytes = 0;
    for (const record of records) bytes += bytesOf(record);
    return bytes <= MAX_COMMIT_BYTES ? undefined : cut(records);
  }

  /** Those that are to be stored. */
  stored(records: readonly NewRecord[]): readonly NewRecord[] {
    const { history, table } = this.#options;
    return history ? records : records.filter(({ topic }) => table.isRead(topic));
  }

  /** Told of each record of a topic, once its commit is done. */
  onCommit(topic: string, listener: (record: NewRecord) => void): Unsubscribe {
    const own = (record: NewRecord): void => listener(record);
    const watchers = this.#watchers.get(topic) ?? new Set();
    this.#watchers.set(topic, watchers.add(own));
    return () => {
      watchers.delete(own);
      if (watchers.size === 0 && this.#watchers.get(topic) === watchers) this.#watchers.delete(topic);
    };
  }

  /** These are done. */
  tell(records: readonly NewRecord[]): void {
    if (this.#watchers.size === 0) return;
    for (const record of records)
      for (const watcher of this.#watchers.get(record.topic) ?? []) {
        try {
          watcher(record);
        } catch (error) {
          this.#options.onError(error, 'telling a listener');
        }
      }
  }
}

function cut(records: readonly NewRecord[]): readonly (readonly NewRecord[])[] {
  const batches: NewRecord[][] = [];
  let room = 0;
  for (const record of records) {
    const bytes = bytesOf(record);
    if (bytes > room || batches.length === 0) {
      batches.push([]);
      room = MAX_COMMIT_BYTES;
    }
    batches.at(-1)?.push(record);
    room -= bytes;
  }
  return batches;
}
