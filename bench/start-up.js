import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Child, until } from './support/children.js';
import { openBroker } from './support/client.js';
import { median } from './support/figures.js';
import { startMosquitto, startRabbit } from './support/servers.js';

const OURS = path('../bin/msgflo-participant.js');
const REPEAT = path('../participants/Repeat.js');
const BARE = path('./bare/announce.js');

/** From starting a process until its announcement is heard; ours and a bare client that announces itself. @type {import('./run.js').Bench} */
export async function startUp({ quick }) {
  const rounds = quick ? 3 : 15;
  return [await measure('amqp', await startRabbit(), rounds), await measure('mqtt', await startMosquitto(), rounds)];
}

/** @param {string} name @param {import('./support/servers.js').Server} server @param {number} rounds */
async function measure(name, server, rounds) {
  const broker = await openBroker(server.url);
  /** @type {Set<string>} */
  const heard = new Set();
  await broker.watch('fbp', (body) => {
    const { payload } = JSON.parse(body.toString());
    heard.add(payload.role);
  });
  const ours = [];
  const bare = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await announced(heard, (role) => new Child([BARE, server.url, role])));
      ours.push(await announced(heard, (role) => new Child([OURS, '--name', role, '--broker', server.url, REPEAT])));
    }
  } finally {
    await broker.close();
    await server.stop();
  }
  const ratio = median(ours) / median(bare);
  return { what: `start-up on ${name}: ms until announced`, ours: median(ours), peer: median(bare), ratio };
}

/** @param {Set<string>} heard @param {(role: string) => Child} start @returns {Promise<number>} ms */
async function announced(heard, start) {
  const role = `bench-${randomUUID()}`;
  const startedMs = performance.now();
  const child = start(role);
  try {
    await until(() => (heard.has(role) ? true : undefined), { children: [child], everyMs: 2, what: 'announcement' });
    return performance.now() - startedMs;
  } finally {
    await child.stop();
  }
}

/** @param {string} relative */
function path(relative) {
  return fileURLToPath(new URL(relative, import.meta.url));
}
