import type { NewRecord, Receipt, StoredRecord, TopicState } from '../store/store.js';

export interface RangeOptions {
  /** `""` the outermost record, `<ms>-<seq>` an id, `<ms>` all of that millisecond, `:<seq>` a sequence. @default "" */
  readonly start?: string;
  /** As `start`. @default "" */
  readonly end?: string;
  /** Records; zero or less: all. @default all */
  readonly limit?: number;
  /** Without the bounds themselves, where they are ids or sequences. @default false */
  readonly exclusive?: boolean;
}

/** Records: in and out, by topic. */
export interface LogRecords {
  /** Resolves with the ids, in the order given, when all are as safe as the sync policy asks. */
  commit(records: readonly NewRecord[]): Promise<readonly string[]>;
  /** As `commit`, for who commits thousands a second: there is no promise to be made. */
  submit(records: readonly NewRecord[], receipt: Receipt): void;
  /** True while commits pile up: a good moment to stop reading from clients, until `drained()` resolves. */
  readonly congested: boolean;
  drained(): Promise<void>;

  /** Everything wanted, in one array: for large answers take `pages`. */
  range(topic: string, options?: RangeOptions): Promise<readonly StoredRecord[]>;
  /** Newest first; `start` is the newer bound. */
  revrange(topic: string, options?: RangeOptions): Promise<readonly StoredRecord[]>;
  /** As `range`, about 1 MiB at a time. */
  pages(
    topic: string,
    options?: RangeOptions & { readonly reverse?: boolean },
  ): AsyncGenerator<readonly StoredRecord[], void, undefined>;
  /** Records stored now. */
  length(topic: string): Promise<number>;
  /** From a sequence on, at most about 1 MiB; for those who follow a topic without a proc. Empty: nothing yet. */
  read(topic: string, from: number, limit?: number): Promise<readonly StoredRecord[]>;
  topics(): readonly TopicState[];
}
