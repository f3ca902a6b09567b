import { closeSync, fdatasync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../dist/log/index.js';
import { median } from './support/figures.js';

const RECORD_BYTES = 200;
const IN_FLIGHT = 1000;
const BATCH = 1000;
const BATCHES_IN_FLIGHT = 4;
const SINGLE_TARGET = 0.5;
const LARGE = 10_000_000;
const FLAT_TARGET = 0.8;
const START_TARGET_SECONDS = 2;
const MEMORY_TARGET_MB = 150;
const BODY = Buffer.alloc(RECORD_BYTES, 'x');
const RECORD = { topic: 'bench', body: BODY };

/** @typedef {import('../dist/log/index.js').LogStore} LogStore */

/**
 * The log's storage alone, in process: single commits with 1,000 in flight against appending the same bytes bare and
 * syncing them once per 1,000; batches; reads. `--large` besides: the same at 10 million records.
 * @type {import('./run.js').Bench}
 */
export async function logEngine({ quick, large }) {
  const folder = mkdtempSync(join(tmpdir(), 'msgflo-bench-'));
  const store = await openStore(join(folder, 'log'));
  const count = quick ? 20_000 : 100_000;
  try {
    const rows = await small(store, join(folder, 'bare'), count, quick ? 3 : 7);
    await store.close();
    return large ? [...rows, ...(await atTenMillion(join(folder, 'log'), count))] : rows;
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ours and the bare file in turn, so that both have the disk in the same moods. The first round warms up. @param {LogStore} store @param {string} file @param {number} count @param {number} rounds */
async function small(store, file, count, rounds) {
  const figures = { single: [0], bareSingle: [0], batch: [0], range: [0] };
  for (let round = 0; round <= rounds; round += 1) {
    figures.bareSingle.push(await bare(file, count, IN_FLIGHT));
    figures.single.push(await singles(store, count));
    figures.batch.push(await batches(store, count));
    figures.range.push(await range(store, count));
  }
  const of = (/** @type {number[]} */ all) => median(all.slice(2));
  const single = of(figures.single) / of(figures.bareSingle);
  return [
    {
      what: `log engine: synced commits of ${RECORD_BYTES} bytes per second, ${IN_FLIGHT} in flight, against a bare append`,
      ours: of(figures.single),
      peer: of(figures.bareSingle),
      ratio: single,
      target: `at least ${SINGLE_TARGET}`,
      met: single >= SINGLE_TARGET,
    },
    {
      what: `log engine: records per second in synced batches of ${BATCH}, ${BATCHES_IN_FLIGHT} in flight`,
      ours: of(figures.batch),
    },
    { what: 'log engine: records read per second, as buffers, checksums looked at', ours: of(figures.range) },
  ];
}

/** A full log against a new one, in turn. @param {string} folder @param {number} count */
async function atTenMillion(folder, count) {
  const before = await openStore(folder);
  const fresh = await openStore(`${folder}-fresh`);
  const warm = { single: [0], range: [0] };
  const full = { single: [0], range: [0] };
  const records = Array.from({ length: BATCH }, () => RECORD);
  const have = before.topic(RECORD.topic)?.length ?? 0;
  for (let made = have; made < LARGE; made += BATCH * BATCHES_IN_FLIGHT)
    await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, () => before.commit({ records })));
  for (let round = 0; round < 7; round += 1) {
    await measure(fresh, warm, count);
    await measure(before, full, count);
  }
  await fresh.close();
  await before.close();
  for (const kind of ['idx', 'ckp']) rmSync(newest(folder, kind)); // as a crash leaves it: the last segment has to be read
  const start = performance.now();
  const after = await openStore(folder);
  const seconds = (performance.now() - start) / 1000;
  const megabytes = process.memoryUsage.rss() / 1e6;
  await after.close();
  const flatness = (/** @type {'single' | 'range'} */ of) => {
    const ratio = median(full[of].slice(2)) / median(warm[of].slice(2));
    return { ratio, target: `at least ${FLAT_TARGET}`, met: ratio >= FLAT_TARGET };
  };
  return [
    {
      what: 'log engine: commits per second at 10 million records',
      ours: median(full.single.slice(2)),
      peer: median(warm.single.slice(2)),
      ...flatness('single'),
    },
    {
      what: 'log engine: records read per second at 10 million',
      ours: median(full.range.slice(2)),
      peer: median(warm.range.slice(2)),
      ...flatness('range'),
    },
    {
      what: 'log engine: start after a crash with 10 million records, seconds',
      ours: seconds,
      target: `at most ${START_TARGET_SECONDS}`,
      met: seconds <= START_TARGET_SECONDS,
    },
    {
      what: 'log engine: memory of the bench there, MB',
      ours: megabytes,
      target: `at most ${MEMORY_TARGET_MB}`,
      met: megabytes <= MEMORY_TARGET_MB,
    },
  ];
}

/** @param {string} folder @param {string} kind */
function newest(folder, kind) {
  const names = readdirSync(folder).filter((name) => name.endsWith(`.${kind}`));
  return join(folder, names.sort().at(-1) ?? '');
}

/** @param {LogStore} store @param {{ single: number[], range: number[] }} figures @param {number} count */
async function measure(store, figures, count) {
  figures.single.push(await singles(store, count));
  figures.range.push(await range(store, count));
}

/** @param {LogStore} store @param {number} count @returns {Promise<number>} commits per second */
async function singles(store, count) {
  const start = performance.now();
  let left = count;
  const lane = async () => {
    while (left-- > 0) await store.commit({ records: [RECORD] });
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return perSecond(count, start);
}

/** @param {LogStore} store @param {number} count */
async function batches(store, count) {
  const records = Array.from({ length: BATCH }, () => RECORD);
  const start = performance.now();
  let left = count / BATCH;
  const lane = async () => {
    while (left-- > 0) await store.commit({ records });
  };
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, lane));
  return perSecond(count, start);
}

/** The newest records, oldest first. @param {LogStore} store @param {number} count */
async function range(store, count) {
  const last = store.topic(RECORD.topic)?.lastSequence ?? 0;
  const start = performance.now();
  let bytes = 0;
  for await (const page of store.pages(RECORD.topic, { from: last - count + 1 }))
    for (const { body } of page) bytes += body.length;
  return perSecond(bytes / RECORD_BYTES, start);
}

/**
 * The limit: appends that only copy their bytes and are each answered after one write and one sync for all that came
 * together, a sync that leaves the event loop free, as a server must.
 * @param {string} file @param {number} count @param {number} together
 */
async function bare(file, count, together) {
  const fd = openSync(file, 'w');
  const buffer = Buffer.allocUnsafe(together * RECORD_BYTES);
  let position = 0;
  let used = 0;
  /** @type {(() => void)[]} */
  let waiting = [];
  const flush = () => {
    writeSync(fd, buffer, 0, used, position);
    position += used;
    used = 0;
    const done = waiting;
    waiting = [];
    fdatasync(fd, (error) => {
      if (error) throw error;
      for (const resolve of done) resolve();
    });
  };
  const append = (/** @type {Buffer} */ body) =>
    new Promise((/** @type {(done: void) => void} */ resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(flush);
      used += body.copy(buffer, used);
    });
  try {
    const start = performance.now();
    let left = count;
    const lane = async () => {
      while (left-- > 0) await append(BODY);
    };
    await Promise.all(Array.from({ length: together }, lane));
    return perSecond(count, start);
  } finally {
    closeSync(fd);
  }
}

/** @param {number} count @param {number} start */
function perSecond(count, start) {
  return Math.round((count / (performance.now() - start)) * 1000);
}
