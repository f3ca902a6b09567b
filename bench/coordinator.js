import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { Child, until } from './support/children.js';
import { Ring } from './support/ring.js';
import { startRabbit } from './support/servers.js';

const BIN = fileURLToPath(new URL('../bin/msgflo.js', import.meta.url));
const SMALL = 100;
const LARGE = 1000;
const TARGET_SECONDS = 15;
/** A coordinator that holds on to no more than it needs, and to little for each participant. */
const TARGET_IDLE_MB = 60;
const TARGET_KIB_EACH = 8;
/** V8 gives back what it took for the start, or for a burst, when there is nothing to do. */
const QUIET_MS = 20_000;
/** How much more an edge may cost among 1,000 than among 100. */
const TARGET_RATIO = 2;

/**
 * A ring of participants that old libraries might have announced, as many edges as participants: from the last
 * announcement until the broker has every binding. @type {import('./run.js').Bench}
 */
export async function coordinator() {
  const small = await bindRing(SMALL);
  const large = await bindRing(LARGE);
  const ratio = large.seconds / LARGE / (small.seconds / SMALL);
  const kibEach = ((large.mb - small.mb) * 1024) / (LARGE - SMALL);
  return [
    { what: `coordinator: s until ${SMALL} edges are bound`, ours: small.seconds },
    row(`coordinator: s until ${LARGE} edges are bound`, large.seconds, TARGET_SECONDS),
    {
      what: `coordinator: ms an edge, ${LARGE} against ${SMALL}`,
      ours: large.seconds * (1000 / LARGE),
      peer: small.seconds * (1000 / SMALL),
      ratio,
      target: `at most ${TARGET_RATIO}`,
      met: ratio <= TARGET_RATIO,
    },
    row('coordinator: MB resident, idle, no participants', small.idleMb, TARGET_IDLE_MB),
    { what: `coordinator: MB resident, idle, ${LARGE} participants`, ours: large.mb },
    row('coordinator: KiB a participant', kibEach, TARGET_KIB_EACH),
  ];
}

/** @param {string} what @param {number} ours @param {number} most */
function row(what, ours, most) {
  return { what, ours, peer: most, ratio: ours / most, target: `at most ${most}`, met: ours <= most };
}

/** @param {number} size participants, and edges */
async function bindRing(size) {
  const server = await startRabbit();
  const folder = await mkdtemp(join(tmpdir(), 'msgflo-bench-'));
  const model = await connect(server.url, { noDelay: true });
  const ring = new Ring(size, await model.createConfirmChannel());
  await ring.declare();
  await writeFile(join(folder, 'ring.fbp'), ring.graphText());
  const args = ['--graph', 'ring.fbp', '--broker', server.url, '--port', '0', '--forward', 'none'];
  const msgflo = new Child([BIN, ...args], { cwd: folder });
  try {
    const started = () => (msgflo.said.includes('msgflo started on') ? true : undefined);
    await until(started, { children: [msgflo], what: 'msgflo' });
    const pid = await coordinatorOf(msgflo.pid);
    await quiet();
    const idleMb = await residentMb(pid);
    await ring.announce();
    const announcedMs = performance.now();
    await until(async () => ((await ring.unbound()) === 0 ? true : undefined), {
      children: [msgflo],
      what: 'bindings',
    });
    const seconds = (performance.now() - announcedMs) / 1000;
    await quiet();
    return { seconds, idleMb, mb: await residentMb(pid) };
  } finally {
    await msgflo.stop();
    await model.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The coordinator among the keeper's children. @param {number} keeper */
async function coordinatorOf(keeper) {
  const children = (await readFile(`/proc/${keeper}/task/${keeper}/children`, 'utf8')).trim().split(' ');
  for (const pid of children) {
    if ((await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes('msgflo-coordinator')) return Number(pid);
  }
  throw new Error('msgflo has no coordinator');
}

function quiet() {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}

/** @param {number} pid */
async function residentMb(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return Number(kib) / 1024;
}
