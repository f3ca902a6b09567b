import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, until } from './support/children.js';
import { openBroker } from './support/client.js';
import { median } from './support/figures.js';
import { startMosquitto } from './support/servers.js';

const BIN = path('../bin/msgflo.js');
const REPEAT = path('../participants/Repeat.js');
const BARE = path('./bare/announce.js');
const COUNT = 50;
const TARGET = 0.8;
const TARGET_TOGETHER = 0.3;

/**
 * From nothing until 50 participants are up: ours in a chain that is bound, by `msgflo`, each in a process of its own or all
 * in one; bare, that many processes that subscribe and announce themselves, bound to nothing. @type {import('./run.js').Bench}
 */
export async function startMany({ quick }) {
  const server = await startMosquitto();
  const [bare, apart, together] = [new Times(), new Times(), new Times()];
  try {
    for (let round = 0; round < (quick ? 1 : 5); round += 1) {
      bare.add(await startBare(server.url, round));
      apart.add(await startOurs(server.url, []));
      together.add(await startOurs(server.url, ['--together']));
    }
  } finally {
    await server.stop();
  }
  return [
    apart.row(`start-many: s until ${COUNT} participants are bound`, bare, TARGET),
    together.row(`start-many: the same in one process (--together)`, bare, TARGET_TOGETHER),
  ];
}

class Times {
  /** @type {number[]} */
  seconds = [];

  /** @param {number} ms */
  add(ms) {
    this.seconds.push(ms / 1000);
  }

  /** @param {string} what @param {Times} peer @param {number} most */
  row(what, peer, most) {
    const ratio = median(this.seconds.map((seconds, round) => seconds / (peer.seconds[round] ?? Number.NaN)));
    const figures = { ours: median(this.seconds), peer: median(peer.seconds), ratio };
    return { what, ...figures, target: `at most ${most}`, met: ratio <= most };
  }
}

/** @param {string} url @param {number} round @returns {Promise<number>} ms */
async function startBare(url, round) {
  const broker = await openBroker(url);
  const wanted = new Set(Array.from({ length: COUNT }, (_, n) => `bare-${round}-${n}`));
  const missing = new Set(wanted);
  await broker.watch('fbp', (body) => missing.delete(JSON.parse(body.toString()).payload.role));
  const startedMs = performance.now();
  const children = [...wanted].map((role) => new Child([BARE, url, role]));
  try {
    await until(() => (missing.size === 0 ? true : undefined), { children, everyMs: 5, what: 'bare participants' });
    return performance.now() - startedMs;
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    await broker.close();
  }
}

/** @param {string} url @param {readonly string[]} flags @returns {Promise<number>} ms */
async function startOurs(url, flags) {
  const folder = await mkdtemp(join(tmpdir(), 'msgflo-bench-'));
  const command = `msgflo-participant --name #ROLE '${REPEAT}'`;
  await writeFile(join(folder, 'library.json'), JSON.stringify({ components: { Repeat: command } }));
  const nodes = Array.from({ length: COUNT }, (_, n) => `n${n}(Repeat)`);
  await writeFile(join(folder, 'many.fbp'), `${nodes.join(' OUT -> IN ')}\n`);
  const args = ['--graph', 'many.fbp', '--library', 'library.json', '--port', '0', '--broker', url, ...flags];
  const startedMs = performance.now();
  const msgflo = new Child([BIN, ...args], { cwd: folder });
  try {
    const isUp = () => (msgflo.said.includes('the network is complete') ? true : undefined);
    await until(isUp, { children: [msgflo], everyMs: 5, what: 'msgflo' });
    return performance.now() - startedMs;
  } finally {
    await msgflo.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string} relative */
function path(relative) {
  return fileURLToPath(new URL(relative, import.meta.url));
}
