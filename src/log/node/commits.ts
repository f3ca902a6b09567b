import { asError } from '../../errors.js';
import type { CommitResult, LogStore, NewRecord, Receipt } from '../store/store.js';
import type { Fanout } from './fanout.js';
import type { ProcTable } from './proc-table.js';

export interface CommitsParts {
  readonly store: LogStore;
  readonly table: ProcTable;
  readonly fanout: Fanout;
}

const NOT_SHOWN: readonly NewRecord[] = [];

/** Commits records, with their copies for what is bound. */
export class Commits {
  readonly #parts: CommitsParts;

  constructor(parts: CommitsParts) {
    this.#parts = parts;
  }

  /** The result is that of the batch with the records themselves, which come first in it. */
  commit(records: readonly NewRecord[]): Promise<CommitResult> {
    return new Promise((stored, refused) => this.submit(records, { stored, refused }));
  }

  /** As `commit`. */
  submit(records: readonly NewRecord[], receipt: Receipt): void {
    const { store, fanout } = this.#parts;
    const all = fanout.spread(records);
    const stored = fanout.stored(all);
    const batches = all === records ? undefined : fanout.batches(stored);
    if (batches) this.#inBatches(batches, all, receipt);
    else store.submit({ records: stored }, new Committing(this.#parts, stored, all, receipt));
  }

  #inBatches(
    [last = [], ...before]: readonly (readonly NewRecord[])[],
    all: readonly NewRecord[],
    receipt: Receipt,
  ): void {
    this.storeBefore(before).then(
      () => this.#parts.store.submit({ records: last }, new Committing(this.#parts, last, all, receipt)),
      (error: unknown) => receipt.refused(asError(error)),
    );
  }

  /** Batches for which there is no room in one, each done before the next. Listeners are told with the last. */
  async storeBefore(batches: readonly (readonly NewRecord[])[]): Promise<void> {
    const { store } = this.#parts;
    for (const records of batches)
      await new Promise((stored, refused) =>
        store.submit({ records }, new Committing(this.#parts, records, NOT_SHOWN, { stored, refused })),
      );
  }
}

/** A commit on its way to the store. */
class Committing implements Receipt {
  readonly #parts: CommitsParts;
  readonly #records: readonly NewRecord[];
  readonly #shown: readonly NewRecord[];
  readonly #receipt: Receipt;

  constructor(parts: CommitsParts, records: readonly NewRecord[], shown: readonly NewRecord[], receipt: Receipt) {
    this.#parts = parts;
    this.#records = records;
    this.#shown = shown;
    this.#receipt = receipt;
  }

  stored(result: CommitResult): void {
    this.#parts.table.committed(this.#records, result);
    this.#parts.fanout.tell(this.#shown);
    this.#receipt.stored(result);
  }

  refused(error: Error): void {
    this.#receipt.refused(error);
  }
}
