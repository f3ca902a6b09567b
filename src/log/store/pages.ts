import type { ReadOptions, StoredRecord } from './store.js';

/** Pages of one topic, each read where the one before ended, until the end or `limit`. */
export async function* pagesOf(
  read: (options: ReadOptions) => Promise<readonly StoredRecord[]>,
  options: ReadOptions,
): AsyncGenerator<readonly StoredRecord[], void, undefined> {
  let { from, limit = Number.POSITIVE_INFINITY } = options;
  while (limit > 0) {
    const records = await read({ ...options, limit, ...(from === undefined ? {} : { from }) });
    const last = records.at(-1);
    if (!last) return;
    yield records;
    limit -= records.length;
    from = last.sequence + (options.reverse ? -1 : 1);
  }
}
