import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asQueueName } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Broker } from '../../src/transport/index.js';
import { ROOT } from '../network/running.js';
import { freePort } from '../support/free-port.js';
import type { ChaosServer, Remains } from './servers.js';

const TOKEN = 'chaos';
/** In the order of the flow. */
const INQUEUES = ['one.IN', 'two.IN', 'three.IN', 'sink.IN'].map(asQueueName);

/** A node of the log on a port, killed with SIGKILL: what it confirmed is on disk. */
export async function startLogServer(): Promise<ChaosServer> {
  const dir = await mkdtemp(join(tmpdir(), 'msgflo-chaos-log-'));
  const port = await freePort();
  const url = `log://127.0.0.1:${port}?token=${TOKEN}`;
  const settings = {
    dir,
    location: join(dir, 'log'),
    listen: [{ address: `tcp://127.0.0.1:${port}`, token: TOKEN }],
  };
  let node = await startNode(settings);
  return {
    url,
    fault: 'SIGKILL',
    hasRouter: false,
    isQuorum: false,
    async takeDown() {
      node.kill('SIGKILL');
      await once(node, 'exit');
    },
    async bringBack() {
      node = await startNode(settings);
    },
    remains: () => remainsOf(url),
    async stop() {
      node.kill('SIGTERM');
      if (node.exitCode === null && node.signalCode === null) await once(node, 'exit');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function startNode(settings: object): Promise<ChildProcess> {
  const node = spawn(process.execPath, [join(ROOT, 'dist/embedded/main.js'), '--print-address'], {
    env: { ...process.env, MSGFLO_NODE: JSON.stringify(settings) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(node, 'exit').then(([code]) => {
    throw new Error(`the node ended with ${code} while it started`);
  });
  ended.catch(() => undefined);
  await Promise.race([once(node.stdout, 'data'), ended]);
  return node;
}

async function remainsOf(url: string): Promise<Remains> {
  const broker = await builtinTransports().open(url, { id: 'remains' }, silentLogger);
  await broker.connect();
  try {
    const depths = await broker.depths(INQUEUES);
    const left = depths
      .map(({ queue, ready, unacked = 0 }) => ({ queue, ready, unacked }))
      .filter((one) => one.ready + one.unacked > 0);
    const dead = await broker.depths(INQUEUES.map((queue) => asQueueName(`dead-${queue}`)));
    return {
      waiting: left.reduce((sum, { ready, unacked }) => sum + ready + unacked, 0),
      where: left.map(({ queue, ready, unacked }) => `${queue}: ${ready} ready, ${unacked} in hand`),
      deadLetters: dead.reduce((sum, { ready }) => sum + ready, 0),
      doubledBetweenQueues: await doubled(broker),
    };
  } finally {
    await broker.close();
  }
}

/** How many messages there are more, or fewer, in a queue than in the one before it: of each, as many have to go on. */
async function doubled(broker: Broker): Promise<number> {
  let before: ReadonlyMap<number, number> | undefined;
  let sum = 0;
  for (const queue of INQUEUES) {
    const here = new Map<number, number>();
    for await (const page of broker.browse?.(queue) ?? [])
      for (const { body } of page) {
        const { n } = JSON.parse(body.toString());
        here.set(n, (here.get(n) ?? 0) + 1);
      }
    for (const n of new Set([...here.keys(), ...(before?.keys() ?? here.keys())]))
      sum += before ? Math.abs((here.get(n) ?? 0) - (before.get(n) ?? 0)) : 0;
    before = here;
  }
  return sum;
}
