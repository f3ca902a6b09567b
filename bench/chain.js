import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, until } from './support/children.js';
import { median } from './support/figures.js';
import { planAsEnv, resultFile } from './support/plan.js';
import { countPublishes } from './support/publish-count.js';
import { startMosquitto, startRabbit } from './support/servers.js';

/** @typedef {import('./support/tally.js').Result} Result */
/** @typedef {{ warmUp: number, count: number, rounds: number, perSecond?: number }} Size */

const BIN = path('../bin/msgflo.js');
const TARGET = 0.85;
/** Against the chain of msgflo-nodejs 0.11. */
const OLD_TARGETS = { amqp: 2.3, amqpAsItComes: 60, mqtt: 1.2 };
const LATENCY_TARGET = 1.5;
/** The chain on the log against the chain on another broker. */
const LOG_TARGET = 1.5;
/** Some seconds a round, after what compilers need: a second's worth of messages shows them as well. @type {Size} */
const FULL = { warmUp: 5000, count: 30_000, rounds: 5 };
/** @type {Size} */
const QUICK = { warmUp: 1000, count: 4000, rounds: 1 };
/** For who does some fifty messages a second. @type {Size} */
const SLOW = { warmUp: 50, count: 400, rounds: 3 };
/** Enough for a 99th percentile. @type {Size} */
const STEADY = { warmUp: 2000, count: 2000, rounds: 3, perSecond: 200 };
/** @type {Size} */
const STEADY_QUICK = { warmUp: 200, count: 400, rounds: 1, perSecond: 200 };

/** source -> Repeat -> Repeat -> sink on RabbitMQ. @type {import('./run.js').Bench} */
export function chainAmqp({ quick }) {
  return withServer(startRabbit, ({ url }) => compare('chain-amqp', url, path('./bare/amqp.js'), quick));
}

/** The same on Mosquitto, with a look at how many messages went through the broker. @type {import('./run.js').Bench} */
export function chainMqtt({ quick }) {
  return withServer(startMosquitto, async ({ url }) => {
    const rows = await compare('chain-mqtt', url, path('./bare/mqtt.js'), quick);
    const size = { ...QUICK, rounds: 1 };
    const publishes = await countPublishes(url, async () => {
      await runOurs(url, size);
    });
    const perMessage = publishes / (size.warmUp + size.count);
    const what = 'chain-mqtt: publishes the broker saw per message at the sink (3 edges)';
    return [
      ...rows,
      { what, ours: perMessage, peer: 3, ratio: perMessage / 3, target: 'at most 1.05', met: perMessage / 3 <= 1.05 },
    ];
  });
}

/**
 * Against msgflo-nodejs 0.11, which neither confirms nor persists: as it comes, when its sockets wait 40 ms for each ack,
 * and with Nagle off. @type {import('./run.js').Bench}
 */
export function chainOldAmqp({ quick }) {
  return withServer(startRabbit, async ({ url }) => {
    const asItComes = await byTurns(
      SLOW,
      () => runOld(url, SLOW, false),
      () => runOurs(url, quick ? QUICK : FULL),
    );
    const noDelay = await pairWithOld(url, true, quick);
    return [
      throughputRow('chain-old-amqp, the old one as it comes', asItComes, OLD_TARGETS.amqpAsItComes),
      throughputRow('chain-old-amqp, the old one with Nagle off', noDelay, OLD_TARGETS.amqp),
    ];
  });
}

/**
 * Against msgflo-nodejs 0.11 at QoS 0, through its forwarder: as its mqtt.js leaves the sockets, which the target is for,
 * and with Nagle off. @type {import('./run.js').Bench}
 */
export function chainOldMqtt({ quick }) {
  return withServer(startMosquitto, async ({ url }) => {
    const asItComes = await pairWithOld(url, false, quick);
    const noDelay = await pairWithOld(url, true, quick);
    return [
      throughputRow('chain-old-mqtt, the old one as it comes', asItComes, OLD_TARGETS.mqtt),
      throughputRow('chain-old-mqtt, the old one with Nagle off', noDelay),
    ];
  });
}

/** From source to sink at 200 messages a second. @type {import('./run.js').Bench} */
export function latencyAmqp({ quick }) {
  return withServer(startRabbit, ({ url }) => compareLatency('latency-amqp', url, path('./bare/amqp.js'), quick));
}

/** @type {import('./run.js').Bench} */
export function latencyMqtt({ quick }) {
  return withServer(startMosquitto, ({ url }) => compareLatency('latency-mqtt', url, path('./bare/mqtt.js'), quick));
}

/** The same graph on the embedded log, each message synced to disk, against RabbitMQ and Mosquitto. @type {import('./run.js').Bench} */
export async function chainLog({ quick }) {
  const size = quick ? QUICK : FULL;
  /** @param {string} other @param {() => Promise<{ readonly url: string, stop(): Promise<void> }>} start */
  const against = (other, start) =>
    withServer(start, async ({ url }) => {
      const pairs = await byTurns(
        size,
        () => runOurs(url, size),
        () => runOurs(undefined, size),
      );
      return throughputRow(`chain-log against ${other}`, pairs, LOG_TARGET);
    });
  return [await against('RabbitMQ', startRabbit), await against('Mosquitto', startMosquitto)];
}

/**
 * @param {string} name @param {string} url @param {string} bareScript @param {boolean} quick
 * @returns {Promise<import('./run.js').Row[]>}
 */
async function compare(name, url, bareScript, quick) {
  const size = quick ? QUICK : FULL;
  const pairs = await byTurns(
    size,
    () => runBare(url, bareScript, size),
    () => runOurs(url, size),
  );
  return [throughputRow(name, pairs, TARGET)];
}

/** @param {string} url @param {boolean} noDelay of the old chain @param {boolean} quick */
function pairWithOld(url, noDelay, quick) {
  const size = quick ? QUICK : FULL;
  return byTurns(
    size,
    () => runOld(url, size, noDelay),
    () => runOurs(url, size),
  );
}

/**
 * @param {string} name @param {string} url @param {string} bareScript @param {boolean} quick
 * @returns {Promise<import('./run.js').Row[]>}
 */
async function compareLatency(name, url, bareScript, quick) {
  const size = quick ? STEADY_QUICK : STEADY;
  const pairs = await byTurns(
    size,
    () => runBare(url, bareScript, size),
    () => runOurs(url, size),
  );
  const rows = (/** @type {'p50Ms' | 'p99Ms'} */ what) => ({
    ours: median(pairs.ours.map((result) => result[what])),
    peer: median(pairs.peer.map((result) => result[what])),
    ratio: median(pairs.ours.map((result, round) => result[what] / (pairs.peer[round]?.[what] || Number.NaN))),
  });
  const p99 = rows('p99Ms');
  return [
    { what: `${name}: ms to the sink at ${size.perSecond}/s, half of the messages`, ...rows('p50Ms') },
    {
      what: `${name}: the same, 99 of 100`,
      ...p99,
      target: `at most ${LATENCY_TARGET}`,
      met: p99.ratio <= LATENCY_TARGET,
    },
  ];
}

/**
 * Ours and the peer by turns, so that what else the machine does hits both.
 * @param {Size} size @param {() => Promise<Result>} runPeer @param {() => Promise<Result>} run
 */
async function byTurns({ rounds }, runPeer, run) {
  /** @type {{ ours: Result[], peer: Result[] }} */
  const pairs = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round += 1) {
    pairs.peer.push(await runPeer());
    pairs.ours.push(await run());
  }
  return pairs;
}

/**
 * @param {string} name @param {{ ours: Result[], peer: Result[] }} pairs @param {number} [target]
 * @returns {import('./run.js').Row}
 */
function throughputRow(name, { ours, peer }, target) {
  const perSecond = (/** @type {Result[]} */ results) => results.map((result) => result.perSecond);
  // Of each pair, for what else the machine does changes from round to round.
  const ratio = median(ours.map((result, round) => result.perSecond / (peer[round]?.perSecond ?? Number.NaN)));
  const row = { what: `${name}: messages/s`, ours: median(perSecond(ours)), peer: median(perSecond(peer)), ratio };
  return target === undefined ? row : { ...row, target: `at least ${target}`, met: ratio >= target };
}

/**
 * @template {{ stop(): Promise<void> }} S
 * @template T
 * @param {() => Promise<S>} start @param {(server: S) => Promise<T>} work
 */
async function withServer(start, work) {
  const server = await start();
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/**
 * @param {string | undefined} broker the embedded one if not given
 * @param {Size} size
 */
export function runOurs(broker, size) {
  return inFolder(size, async (folder, env) => {
    const library = join(folder, 'library.json');
    await writeFile(library, JSON.stringify({ components: componentCommands() }));
    const named = broker === undefined ? [] : ['--broker', broker];
    const args = ['--graph', path('./chain.fbp'), '--library', library, '--port', '0', ...named];
    return [new Child([BIN, ...args], { env, cwd: folder })];
  });
}

/** @param {string} url @param {string} script @param {Size} size */
export function runBare(url, script, size) {
  return inFolder(size, async (_folder, env) => {
    const queue = `bare-${randomUUID()}-`;
    const start = (/** @type {string[]} */ ...part) => new Child([script, url, ...part], { env });
    const takers = [
      start('sink', `${queue}3`),
      start('repeat', `${queue}2`, `${queue}3`),
      start('repeat', `${queue}1`, `${queue}2`),
    ];
    const areReady = () => (takers.every(({ said }) => said.startsWith('ready')) ? true : undefined);
    await until(areReady, { children: takers, what: 'the bare chain' });
    return [...takers, start('source', `${queue}1`)];
  });
}

/**
 * The chain of msgflo-nodejs 0.11.
 * @param {string} url @param {Size} size @param {boolean} noDelay without Nagle's algorithm, which it leaves on
 */
export function runOld(url, size, noDelay) {
  return inFolder(size, async (folder, env) => {
    const start = (/** @type {string} */ role) =>
      new Child([...(noDelay ? ['--require', path('./old/no-delay.cjs')] : []), path('./old/chain.cjs'), url, role], {
        env,
        cwd: folder,
      });
    const children = ['sink', 'second', 'first', 'source'].map(start);
    const areReady = () => (children.every(({ said }) => said.includes('ready')) ? true : undefined);
    await until(areReady, { children, what: 'the chain of msgflo-nodejs' });
    return [...children, start('forwarder')];
  });
}

/**
 * Starts processes with a plan and gives what their sink has found.
 * @param {Size} size
 * @param {(folder: string, env: Record<string, string>) => Promise<Child[]>} start
 * @returns {Promise<Result>}
 */
async function inFolder({ warmUp, count, perSecond }, start) {
  const folder = await mkdtemp(join(tmpdir(), 'msgflo-bench-'));
  const rate = perSecond === undefined ? {} : { perSecond };
  const plan = { run: randomUUID().slice(0, 8), folder, warmUp, count, ...rate };
  const children = await start(folder, planAsEnv(plan));
  try {
    const read = () => readFile(resultFile(plan), 'utf8').catch(() => undefined);
    return JSON.parse(await until(read, { children, what: 'chain' }));
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

function componentCommands() {
  const files = {
    BenchSource: path('./components/BenchSource.js'),
    BenchSink: path('./components/BenchSink.js'),
    Repeat: path('../participants/Repeat.js'),
  };
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => [name, `msgflo-participant --name #ROLE '${file}'`]),
  );
}

/** @param {string} relative */
function path(relative) {
  return fileURLToPath(new URL(relative, import.meta.url));
}
