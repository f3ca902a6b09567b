import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { createLogger } from '../dist/support/index.js';
import { fakeNetwork } from './support/fake-network.js';
import { median } from './support/figures.js';

const CLIENTS = 10;
/** Messages that arrive within one turn, as brokers deliver them when there are many: only then does the cost matter. */
const TOGETHER = 10;
/** Messages that the slowest client may be behind; nothing is dropped then. */
const WINDOW = 500;
const NODES = 1000;
const FAN_OUT_TARGET = 2;
const LOAD_TARGET_SECONDS = 2;
const EDITORS = fileURLToPath(new URL('./support/editors.js', import.meta.url));

/** @typedef {{ readonly url: string, send(n: number): void }} Sender */

/**
 * A bench of the protocol and its door alone, with a fake network behind: what it costs this process, the clients being
 * in another.
 * @type {import('./run.js').Bench}
 */
export async function fanOut({ quick }) {
  return [await loadLarge(), ...(await dataToMany(quick))];
}

/** `network:data` to ten clients against serialising and sending to each in turn. @param {boolean} quick */
async function dataToMany(quick) {
  const ours = await startOurs(2);
  const plain = await startPlain();
  try {
    const single = await compare({ ours, plain, together: 1, quick });
    const many = await compare({ ours, plain, together: TOGETHER, quick });
    const what = `fan-out: network:data to ${CLIENTS} clients (no broker), messages per second of CPU`;
    const met = many.ratio >= FAN_OUT_TARGET;
    return [
      { what: `${what}, one at a time`, ...single },
      { what: `${what}, ${TOGETHER} at a time`, ...many, target: `at least ${FAN_OUT_TARGET}`, met },
    ];
  } finally {
    await ours.stop();
    plain.stop();
  }
}

/**
 * In turn, so that both have the machine in the same moods. The first round warms up.
 * @param {{ ours: Sender, plain: Sender, together: number, quick: boolean }} options
 */
async function compare({ ours, plain, together, quick }) {
  const count = quick ? 2000 : 10_000;
  /** @type {number[]} */
  const ourRates = [];
  /** @type {number[]} */
  const plainRates = [];
  for (let round = 0; round <= (quick ? 3 : 5); round += 1) {
    plainRates.push(await rate(plain, { count, together, areIntroduced: false }));
    ourRates.push(await rate(ours, { count, together, areIntroduced: true }));
  }
  const rates = { ours: median(ourRates.slice(1)), peer: median(plainRates.slice(1)) };
  return { ...rates, ratio: rates.ours / rates.peer };
}

/** An editor opens a large network. The first time, nothing being warm: that is what people wait for. */
async function loadLarge() {
  const { url, stop } = await startOurs(NODES);
  const before = process.cpuUsage();
  const editor = fork(EDITORS, [url, 'load']);
  try {
    const [{ received }] = await once(editor, 'message');
    if (received !== NODES) throw new Error(`the editor saw ${received} components of ${NODES}`);
  } finally {
    await ended(editor);
    await stop();
  }
  const seconds = cpuSeconds(before);
  return {
    what: `fan-out: a graph of ${NODES} nodes and components listed and loaded (no broker), seconds of CPU`,
    ours: seconds,
    target: `below ${LOAD_TARGET_SECONDS}`,
    met: seconds < LOAD_TARGET_SECONDS,
  };
}

/** @param {number} nodes */
async function startOurs(nodes) {
  const { Server } = await import('../dist/server/index.js');
  const network = await fakeNetwork(nodes);
  const server = new Server({ network, log: createLogger('bench'), port: 0 });
  await server.start();
  const send = (/** @type {number} */ n) => network.sendData(dataOf(n));
  return { url: server.address, send, stop: () => server.stop() };
}

/** The loop that one writes first. */
async function startPlain() {
  const server = new WebSocketServer({ host: 'localhost', port: 0, handleProtocols: () => 'noflo' });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the plain server has no port');
  const send = (/** @type {number} */ n) => {
    const payload = {
      id: 'node0() OUT -> IN node1()',
      src: { node: 'node0', port: 'out' },
      tgt: { node: 'node1', port: 'in' },
      graph: 'demo/main',
      data: dataOf(n),
    };
    const message = { protocol: 'network', command: 'data', payload };
    for (const client of server.clients) client.send(JSON.stringify(message));
  };
  return { url: `ws://localhost:${address.port}`, send, stop: () => server.close() };
}

/** A record of some 200 bytes as JSON. @param {number} n */
function dataOf(n) {
  return { n, path: `folder/file-${n}.txt`, tags: ['one', 'two', 'three'], size: n * 7, text: 'x'.repeat(100) };
}

/**
 * @param {Sender} sender
 * @param {{ count: number, together: number, areIntroduced: boolean }} options
 * @returns {Promise<number>} messages per second of this process's CPU, all clients having received them
 */
async function rate({ url, send }, { count, together, areIntroduced }) {
  const editors = fork(EDITORS, [url, 'listen', String(CLIENTS), areIntroduced ? 'introduced' : 'silent']);
  try {
    await once(editors, 'message');
    let received = 0;
    let resume = () => {};
    editors.on('message', (/** @type {{ received: number }} */ told) => {
      received = told.received;
      resume();
    });
    const before = process.cpuUsage();
    for (let n = 0; n < count; n += together) {
      for (let one = n; one < n + together; one += 1) send(one);
      await new Promise((resolve) => setImmediate(resolve));
      while (n + together - received > WINDOW) await changed();
    }
    while (received < count) await changed();
    return count / cpuSeconds(before);

    /** @returns {Promise<void>} */
    function changed() {
      return new Promise((resolve) => {
        resume = resolve;
      });
    }
  } finally {
    await ended(editors);
  }
}

/** @param {NodeJS.CpuUsage} before */
function cpuSeconds(before) {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** @param {import('node:child_process').ChildProcess} child */
async function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill();
  await gone;
}
