import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PipeProc as PeerClient } from 'pipeproc';
import { PipeProc } from '../dist/log/index.js';
import { frames, writer } from './bare/log-frames.js';
import { median } from './support/figures.js';

const BODY = { n: 1, text: 'x'.repeat(180) };
const BATCH = 100;
const RANGE = 10_000;
const IN_FLIGHT = 1000;
const SILENCE_MS = 4000;
const LATENCY_TARGET_MS = 2;

/** @typedef {{ what: string, ours: number, peer: number, target: number, limit?: number, limitTarget?: number }} Figure */

/**
 * What programs get from the log over its socket, everything synced: against the package `pipeproc`, and against the least
 * that a server behind a socket with the same discipline can do (`bare/log-server.js`), in turn.
 * @type {import('./run.js').Bench}
 */
export async function logClient({ quick }) {
  const folder = mkdtempSync(join(tmpdir(), 'msgflo-bench-'));
  const bare = await BareLog.start(folder);
  const ours = PipeProc();
  const peer = PeerClient();
  try {
    await ours.spawn({ namespace: `bench-${process.pid}`, location: join(folder, 'ours') });
    await peer.spawn({ namespace: `bench-${process.pid}`, location: join(folder, 'peer'), workers: 1 });
    return await measure({ bare, ours, peer }, quick);
  } finally {
    await ours.shutdown().catch(() => undefined);
    await peer.shutdown().catch(() => undefined);
    bare.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {{ bare: BareLog, ours: import('../dist/log/index.js').PipeProcClient, peer: import('pipeproc').IPipeProcClient }} subjects @param {boolean} quick */
async function measure({ bare, ours, peer }, quick) {
  const rounds = quick ? 2 : 5;
  const scale = quick ? 1 : 4;
  const record = { topic: 'bench', body: BODY };
  const batch = Array.from({ length: BATCH }, () => record);
  const commits = {
    ours: (/** @type {any} */ records) => ours.commit(records),
    bare: (/** @type {any} */ records) => bare.call('commit', { records: [records].flat() }),
    peer: (/** @type {any} */ records) => peer.commit(records),
  };
  const each = {
    ours: () => claimAndCommit(ours),
    bare: async () => {
      await bare.call('ping');
      await commits.bare(record);
    },
    peer: () => claimAndCommit(peer),
  };
  const figures = [
    {
      what: 'commits one after another',
      ...(await inTurn(rounds, {
        ours: () => rate(500 * scale, 1, () => commits.ours(record)),
        bare: () => rate(500 * scale, 1, () => commits.bare(record)),
        peer: () => rate(25, 1, () => commits.peer(record)),
      })),
      target: 38,
      limitTarget: 0.7,
    },
    {
      what: '1,000 commits in flight',
      ...(await inTurn(rounds, {
        ours: () => rate(10_000 * scale, IN_FLIGHT, () => commits.ours(record)),
        bare: () => rate(10_000 * scale, IN_FLIGHT, () => commits.bare(record)),
        peer: () => rate(100, 100, () => commits.peer(record)),
      })),
      target: 300,
      limitTarget: 0.6,
    },
    {
      what: 'records in batches of 100',
      ...(await inTurn(rounds, {
        ours: () => rate(100 * scale, 1, () => commits.ours(batch), BATCH),
        bare: () => rate(100 * scale, 1, () => commits.bare(batch), BATCH),
        peer: () => rate(20, 1, () => commits.peer(batch), BATCH),
      })),
      target: 10,
    },
    {
      what: 'proc and ackCommit one after another',
      ...(await inTurn(rounds, {
        ours: () => rate(300 * scale, 1, each.ours),
        bare: () => rate(300 * scale, 1, each.bare),
        peer: () => rate(20, 1, each.peer),
      })),
      target: 55,
    },
    {
      what: `records in ranges of ${RANGE}`,
      ...(await inTurn(rounds, {
        ours: () => rate(4 * scale, 1, () => ours.range('bench', { limit: RANGE }), RANGE),
        bare: () => rate(4 * scale, 1, () => bare.call('read'), RANGE),
        peer: async () => await rate(2, 1, () => peer.range('bench', { limit: RANGE }), await stored(peer)),
      })),
      target: 2.3,
    },
    await processed(ours, peer, 500 * scale),
  ];
  return [...figures.flatMap(rowsOf), ...(await latencies(ours, bare, quick))];
}

/** @param {Figure} figure @returns {import('./run.js').Row[]} */
function rowsOf({ what, ours, peer, target, limit, limitTarget }) {
  const rows = [row(`log: ${what}, per second, against pipeproc`, ours, peer, target)];
  if (limit !== undefined) rows.push(row(`log: ${what}, per second, against a bare server`, ours, limit, limitTarget));
  return rows;
}

/** @param {string} what @param {number} ours @param {number} peer @param {number | undefined} target */
function row(what, ours, peer, target) {
  const ratio = ours / peer;
  return { what, ours, peer, ratio, ...(target && { target: `at least ${target}`, met: ratio >= target }) };
}

/** All in the same moods of the disk; the first round warms up. @param {number} rounds @param {Record<'ours' | 'bare' | 'peer', () => Promise<number>>} work */
async function inTurn(rounds, { ours, bare, peer }) {
  /** @type {Record<'ours' | 'bare' | 'peer', number[]>} */
  const all = { ours: [], bare: [], peer: [] };
  for (let round = 0; round <= rounds; round += 1) {
    all.bare.push(await bare());
    all.ours.push(await ours());
    if (round < 3) all.peer.push(await peer());
  }
  return { ours: median(all.ours.slice(1)), limit: median(all.bare.slice(1)), peer: median(all.peer.slice(1)) };
}

/** @param {number} count @param {number} lanes @param {() => Promise<unknown>} call @param {number} [weight] what one call counts */
async function rate(count, lanes, call, weight = 1) {
  let left = count;
  const start = performance.now();
  const lane = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (count * weight * 1000) / (performance.now() - start);
}

/** @param {any} client */
async function claimAndCommit(client) {
  await client.proc('bench', { name: 'bench', offset: '>' });
  await client.ackCommit('bench', { topic: 'bench-out', body: BODY });
}

/** Records of one range of the peer, which may have less than was asked for. @param {any} peer */
async function stored(peer) {
  return Math.min(RANGE, await peer.length('bench'));
}

/** Records that one worker takes from one topic to another. @param {any} ours @param {any} peer @param {number} count @returns {Promise<Figure>} */
async function processed(ours, peer, count) {
  const run = async (/** @type {any} */ client, /** @type {number} */ records) => {
    const options = { name: 'worker', offset: '>', from: 'work', to: 'done' };
    const commit = (/** @type {number} */ length) =>
      client.commit(Array.from({ length }, () => ({ topic: 'work', body: BODY })));
    // The first ones start the worker, and end the peer's waiting for work.
    await commit(20);
    await client.systemProc({
      ...options,
      processor: (/** @type {any} */ log, /** @type {any} */ done) => done(null, log.body),
    });
    await client.waitForProcs('worker');
    await commit(records);
    const start = performance.now();
    await client.waitForProcs('worker');
    return (records * 1000) / (performance.now() - start);
  };
  return {
    what: 'records through a system proc, one worker',
    ours: await run(ours, count),
    peer: await run(peer, 50),
    target: 100,
  };
}

/** From a commit until a live proc has the record. @param {import('../dist/log/index.js').PipeProcClient} ours @param {BareLog} bare @param {boolean} quick */
async function latencies(ours, bare, quick) {
  let notice = () => undefined;
  const proc = ours.liveProc({ topic: 'live', mode: 'live' }).changes(async function () {
    notice();
    await this.ack();
  });
  await bare.watch(() => notice());
  const once = async (/** @type {() => Promise<unknown>} */ commit) => {
    const told = new Promise((resolve) => {
      notice = () => void resolve(undefined);
    });
    const start = performance.now();
    await Promise.all([told, commit()]);
    return performance.now() - start;
  };
  const commitOurs = () => ours.commit({ topic: 'live', body: BODY });
  const commitBare = () => bare.call('commit', { records: [{ body: BODY }] });
  const rows = [];
  for (const [what, silenceMs, count] of /** @type {const} */ ([
    ['', 2, quick ? 100 : 500],
    [` after ${SILENCE_MS / 1000} s of silence`, SILENCE_MS, quick ? 1 : 5],
  ])) {
    const [our, their] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
    for (let n = 0; n < count; n += 1) {
      await delay(silenceMs);
      their.push(await once(commitBare));
      our.push(await once(commitOurs));
    }
    const [ms, bareMs] = [median(our), median(their)];
    rows.push({
      what: `log: ms from commit to live proc${what}, against a bare server`,
      ours: ms,
      peer: bareMs,
      ratio: ms / bareMs,
      target: `ours below ${LATENCY_TARGET_MS} ms`,
      met: ms < LATENCY_TARGET_MS,
    });
  }
  await proc.cancel();
  return rows;
}

/** The bare server and a client that is as bare. */
class BareLog {
  #child;
  #send;
  #lastKey = 0;
  /** @type {Map<string, (data: unknown) => void>} */
  #pending = new Map();

  /** @param {import('node:child_process').ChildProcess} child @param {import('node:net').Socket} socket */
  constructor(child, socket) {
    this.#child = child;
    this.#send = writer(socket);
    frames(socket, ({ msgKey, data }) => {
      this.#pending.get(msgKey)?.(data);
      if (msgKey !== 'watch') this.#pending.delete(msgKey);
    });
  }

  /** @param {string} folder */
  static async start(folder) {
    const path = join(folder, 'bare.sock');
    const program = fileURLToPath(new URL('./bare/log-server.js', import.meta.url));
    const child = fork(program, [path, join(folder, 'bare.log'), String(RANGE)]);
    await once(child, 'message');
    const socket = connect(path);
    await once(socket, 'connect');
    return new BareLog(child, socket);
  }

  /** @param {string} type @param {object} [data] */
  async call(type, data = {}) {
    const msgKey = String(this.#lastKey++);
    return await new Promise((resolve) => {
      this.#pending.set(msgKey, resolve);
      this.#send(JSON.stringify({ type, msgKey, data }));
    });
  }

  /** @param {() => void} listener */
  async watch(listener) {
    this.#pending.set('watch', listener);
    await this.call('watch');
  }

  stop() {
    this.#child.kill('SIGKILL');
  }
}
