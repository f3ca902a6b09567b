/** What the benches of the log make it do. */
export const RECORD_BYTES = 200;
/** Commits on their way at once. */
export const IN_FLIGHT = 1000;
export const BATCH = 1000;
export const BATCHES_IN_FLIGHT = 4;
export const RECORD = { topic: 'bench', body: Buffer.alloc(RECORD_BYTES, 'x') };

/** @typedef {import('../../dist/log/index.js').LogStore} LogStore */

/** @typedef {import('../../dist/log/index.js').NewRecord} NewRecord */

/** @param {(records: readonly NewRecord[]) => Promise<unknown>} commit @param {number} count @returns {Promise<number>} commits per second */
export async function singles(commit, count) {
  const start = performance.now();
  let left = count;
  const lane = async () => {
    while (left-- > 0) await commit([RECORD]);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return perSecond(count, start);
}

/** @param {LogStore} store @param {number} count */
export async function batches(store, count) {
  const records = Array.from({ length: BATCH }, () => RECORD);
  const start = performance.now();
  let left = count / BATCH;
  const lane = async () => {
    while (left-- > 0) await store.commit({ records });
  };
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, lane));
  return perSecond(count, start);
}

/** So many records from a sequence on. @param {LogStore} store @param {number} count @param {number} [first] the newest */
export async function range(store, count, first) {
  const from = first ?? (store.topic(RECORD.topic)?.lastSequence ?? 0) - count + 1;
  const start = performance.now();
  let bytes = 0;
  for await (const page of store.pages(RECORD.topic, { from, limit: count }))
    for (const { body } of page) bytes += body.length;
  return perSecond(bytes / RECORD_BYTES, start);
}

/** @param {number} count @param {number} start */
export function perSecond(count, start) {
  return Math.round((count / (performance.now() - start)) * 1000);
}
