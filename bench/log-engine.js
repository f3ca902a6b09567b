import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../dist/log/index.js';
import { median } from './support/figures.js';
import {
  BATCH,
  BATCHES_IN_FLIGHT,
  batches,
  IN_FLIGHT,
  perSecond,
  RECORD,
  RECORD_BYTES,
  range,
  singles,
} from './support/log-load.js';

const SINGLE_TARGET = 0.5;

/** @typedef {import('../dist/log/index.js').LogStore} LogStore */

/**
 * The log's storage alone, in process: single commits with 1,000 in flight against appending the same bytes bare and
 * syncing them once per 1,000; batches; reads.
 * @type {import('./run.js').Bench}
 */
export async function logEngine({ quick }) {
  const folder = mkdtempSync(join(tmpdir(), 'msgflo-bench-'));
  const store = await openStore(join(folder, 'log'));
  const count = quick ? 20_000 : 100_000;
  try {
    return await small(store, join(folder, 'bare'), count, quick ? 3 : 7);
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
    figures.single.push(await singles((records) => store.commit({ records }), count));
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
      while (left-- > 0) await append(RECORD.body);
    };
    await Promise.all(Array.from({ length: together }, lane));
    return perSecond(count, start);
  } finally {
    closeSync(fd);
  }
}
