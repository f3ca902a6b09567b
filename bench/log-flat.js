import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openLogNode, openStore } from '../dist/log/index.js';
import { builtinTransports } from '../dist/transport/builtin/index.js';
import { median } from './support/figures.js';
import { BATCH, BATCHES_IN_FLIGHT, IN_FLIGHT, perSecond, RECORD, range, singles } from './support/log-load.js';

/** Records of the log that the large one is held against. */
const SMALL = 100_000;
const FLAT_TARGET = 0.8;
/** In one round: they are short, and what else the machine does shows in each. */
const READS = 3;
const START_TARGET_SECONDS = 2;
const MEMORY_TARGET_MB = 150;

const PROC = 'bench';
const SILENT = { debug() {}, info() {}, warn() {}, warnOnce() {} };

/** @typedef {import('../dist/log/index.js').LogStore} LogStore @typedef {import('../dist/log/index.js').LogNode} LogNode */
/** @typedef {{ commits: number[], newest: number[], middle: number[], claims: number[] }} Figures */

/**
 * Whether the log costs the same when it has grown: commits, reads, claims and acks at 10 million records against a
 * small log, in turn; how long a node takes to start there after a crash, and its memory after some work.
 * @type {import('./run.js').Bench}
 */
export async function logFlat({ quick }) {
  const folder = mkdtempSync(join(tmpdir(), 'msgflo-bench-'));
  const large = quick ? 200_000 : 10_000_000;
  const count = quick ? 10_000 : 100_000;
  const home = join(folder, 'full');
  try {
    await fill(join(home, 'log'), large);
    await fill(join(folder, 'small'), SMALL);
    const rows = await flatness(
      { full: join(home, 'log'), small: join(folder, 'small') },
      { large, count, rounds: quick ? 2 : 5 },
    );
    return [...rows, ...(await nodeAt(home, large, count))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder @param {number} large */
async function fill(folder, large) {
  const store = await openStore(folder, { sync: 'never' });
  const records = Array.from({ length: BATCH }, () => RECORD);
  for (let made = 0; made < large; made += BATCH * BATCHES_IN_FLIGHT)
    await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, () => store.commit({ records })));
  await store.close();
}

/** The first round warms up. @param {{ full: string, small: string }} folders @param {{ large: number, count: number, rounds: number }} size */
async function flatness(folders, { large, count, rounds }) {
  const full = await subject(folders.full);
  const small = await subject(folders.small);
  try {
    for (let round = 0; round <= rounds; round += 1)
      for (const one of [small, full]) {
        one.figures.commits.push(await singles((records) => one.node.commit(records), count));
        for (let again = 0; again < READS; again += 1) {
          one.figures.newest.push(await range(one.store, count));
          one.figures.middle.push(
            await range(one.store, count, one === full ? Math.floor(Math.random() * (large - count)) : 0),
          );
        }
        one.figures.claims.push(await claims(one.node, count / 5));
      }
  } finally {
    await full.node.close();
    await small.node.close();
  }
  /** @param {keyof Figures} of @param {string} what */
  const row = (of, what) => {
    const [ours, peer] = [median(full.figures[of].slice(1)), median(small.figures[of].slice(1))];
    const ratio = ours / peer;
    const target = `at least ${FLAT_TARGET}`;
    return {
      what: `log at ${millions(large)}: ${what}, against a small log`,
      ours,
      peer,
      ratio,
      target,
      met: ratio >= FLAT_TARGET,
    };
  };
  return [
    row('commits', `synced commits per second, ${IN_FLIGHT} in flight`),
    row('newest', 'newest records read per second'),
    row('middle', 'records read per second anywhere'),
    row('claims', 'claims and acks per second'),
  ];
}

/** @param {string} folder */
async function subject(folder) {
  const store = await openStore(folder);
  const node = openLogNode(store);
  await node.ensureProc(RECORD.topic, { name: PROC, offset: '>', maxClaims: IN_FLIGHT });
  /** @type {Figures} */
  const figures = { commits: [], newest: [], middle: [], claims: [] };
  return { store, node, figures };
}

/** From the oldest record on, each claimed and acknowledged by itself. @param {LogNode} node @param {number} count */
async function claims(node, count) {
  const start = performance.now();
  for (let done = 0; done < count; ) {
    const given = await node.claim(PROC, Math.min(IN_FLIGHT, count - done));
    if (given.length === 0) throw new Error('there was nothing to claim');
    await Promise.all(given.map(({ token }) => node.ack(PROC, token)));
    done += given.length;
  }
  return perSecond(count, start);
}

/** The node's process. @param {string} home @param {number} large @param {number} count */
async function nodeAt(home, large, count) {
  for (const kind of ['idx', 'ckp']) rmSync(newest(join(home, 'log'), kind)); // as a crash leaves it: the last segment has to be read
  const program = fileURLToPath(new URL('../dist/embedded/main.js', import.meta.url));
  const start = performance.now();
  const node = spawn(process.execPath, [program, '--dir', home, '--print-address'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(node, 'exit');
  try {
    const [line] = await once(createInterface({ input: node.stdout }), 'line');
    const seconds = (performance.now() - start) / 1000;
    await work(JSON.parse(line).address, count);
    const megabytes = residentMb(node.pid ?? 0);
    return [
      {
        what: `log at ${millions(large)}: start of a node after a crash, seconds`,
        ours: seconds,
        target: `at most ${START_TARGET_SECONDS}`,
        met: seconds <= START_TARGET_SECONDS,
      },
      {
        what: `log at ${millions(large)}: memory of the node after some work, MB`,
        ours: megabytes,
        target: `at most ${MEMORY_TARGET_MB}`,
        met: megabytes <= MEMORY_TARGET_MB,
      },
    ];
  } finally {
    node.kill('SIGTERM');
    await ended;
  }
}

/** Reads and sends as a client. @param {string} address @param {number} count */
async function work(address, count) {
  const broker = await builtinTransports().open(address, { id: 'bench' }, SILENT);
  await broker.connect();
  try {
    const queue = /** @type {import('../dist/names.js').QueueName} */ (RECORD.topic);
    for await (const _page of broker.browse?.(queue, { limit: count }) ?? []);
    let left = count;
    const lane = async () => {
      while (left-- > 0) await broker.send('outqueue', queue, { data: RECORD.body });
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  } finally {
    await broker.close();
  }
}

/** Of a process, on Linux. @param {number} pid */
function residentMb(pid) {
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return (Number(kib) * 1024) / 1e6;
}

/** @param {string} folder @param {string} kind */
function newest(folder, kind) {
  const names = readdirSync(folder).filter((name) => name.endsWith(`.${kind}`));
  return join(folder, names.sort().at(-1) ?? '');
}

/** @param {number} count */
function millions(count) {
  return `${count / 1e6} million records`;
}
