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
const TARGET = 0.7;
/** @type {Size} */
const FULL = { warmUp: 3000, count: 15_000, rounds: 5 };
/** @type {Size} */
const QUICK = { warmUp: 1000, count: 4000, rounds: 1 };

/** source -> Repeat -> Repeat -> sink on RabbitMQ. @type {import('./run.js').Bench} */
export async function chainAmqp({ quick }) {
  const server = await startRabbit();
  try {
    return await compare('chain-amqp', server.url, path('./bare/amqp.js'), quick);
  } finally {
    await server.stop();
  }
}

/** The same on Mosquitto, with a look at how many messages went through the broker. @type {import('./run.js').Bench} */
export async function chainMqtt({ quick }) {
  const server = await startMosquitto();
  try {
    const rows = await compare('chain-mqtt', server.url, path('./bare/mqtt.js'), quick);
    const size = { ...QUICK, rounds: 1 };
    const publishes = await countPublishes(server.url, async () => {
      await runOurs(server.url, size);
    });
    const perMessage = publishes / (size.warmUp + size.count);
    const what = 'chain-mqtt: publishes the broker saw per message at the sink (3 edges)';
    return [
      ...rows,
      { what, ours: perMessage, peer: 3, ratio: perMessage / 3, target: 'at most 1.05', met: perMessage / 3 <= 1.05 },
    ];
  } finally {
    await server.stop();
  }
}

/** The same on the embedded broker; there is no bare client to compare it with. @type {import('./run.js').Bench} */
export async function chainEmbedded({ quick }) {
  const size = quick ? QUICK : FULL;
  const ours = await repeated(size, () => runOurs(undefined, size));
  return [{ what: 'chain-embedded: messages/s', ours }];
}

/**
 * Ours and bare by turns, so that what else the machine does hits both.
 * @param {string} name @param {string} url @param {string} bareScript @param {boolean} quick
 * @returns {Promise<import('./run.js').Row[]>}
 */
async function compare(name, url, bareScript, quick) {
  const size = quick ? QUICK : FULL;
  /** @type {number[]} */
  const ours = [];
  /** @type {number[]} */
  const bare = [];
  for (let round = 0; round < size.rounds; round += 1) {
    bare.push((await runBare(url, bareScript, size)).perSecond);
    ours.push((await runOurs(url, size)).perSecond);
  }
  // Of each pair, for what else the machine does changes from round to round.
  const ratio = median(ours.map((perSecond, round) => perSecond / (bare[round] ?? Number.NaN)));
  const throughput = { what: `${name}: messages/s`, ours: median(ours), peer: median(bare), ratio };
  return [{ ...throughput, target: `at least ${TARGET}`, met: ratio >= TARGET }];
}

/** @param {Size} size @param {() => Promise<Result>} run */
async function repeated({ rounds }, run) {
  const results = [];
  for (let round = 0; round < rounds; round += 1) results.push((await run()).perSecond);
  return median(results);
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
