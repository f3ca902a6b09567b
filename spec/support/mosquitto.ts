import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stopAfterAllSpecs } from './brokers.js';
import { ensureInstalled } from './debian.js';

const ENV_OVERRIDE = 'MSGFLO_TEST_MQTT';
const START_LIMIT_MS = 10_000;

/** A private Mosquitto: loopback only, a free port, its own data. */
export interface Mosquitto {
  readonly url: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; resolves when it takes connections. */
  restart(): Promise<void>;
  /** Kills it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

export interface MosquittoOptions {
  /** Further lines of its configuration. */
  readonly config?: readonly string[];
  /** Without it everybody may connect. */
  readonly login?: { readonly user: string; readonly passwordHash: string };
}

let shared: Promise<{ url: string }> | undefined;

/** The server that all specs of a mocha process share, started when first asked for; `MSGFLO_TEST_MQTT` names another. */
export function sharedMosquitto(): Promise<{ url: string }> {
  const url = process.env[ENV_OVERRIDE];
  if (url) return Promise.resolve({ url });
  shared ??= startMosquitto();
  return shared;
}

/** A server for one spec that kills it or configures it. Also stopped when mocha ends. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const program = await ensureInstalled('mosquitto', 'mosquitto', ENV_OVERRIDE);
  const folder = await mkdtemp(join(tmpdir(), 'msgflo-mosquitto-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  await writeFile(join(folder, 'mosquitto.conf'), await configuration(folder, port, options));
  let child: ChildProcess | undefined;
  const killAtExit = (): void => {
    child?.kill('SIGKILL');
  };
  process.once('exit', killAtExit);

  const restart = async (): Promise<void> => {
    const started = spawn(program, ['-c', join(folder, 'mosquitto.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    started.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2000);
    });
    child = started;
    await ready(port, started, () => said);
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  };
  const stop = async (): Promise<void> => {
    await kill();
    process.off('exit', killAtExit);
    await rm(folder, { recursive: true, force: true });
  };
  stopAfterAllSpecs(stop);
  await restart();
  return { url: `mqtt://127.0.0.1:${port}`, kill, restart, stop };
}

/** Writes its data at every change, as our guarantee over a kill -9 needs, and never drops what waits. */
async function configuration(folder: string, port: number, { config = [], login }: MosquittoOptions): Promise<string> {
  const lines = [
    `listener ${port} 127.0.0.1`,
    `allow_anonymous ${login ? 'false' : 'true'}`,
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_on_changes true',
    'autosave_interval 1',
    'max_queued_messages 0',
    'set_tcp_nodelay true',
    'log_type error',
    'log_dest stderr',
    ...config,
  ];
  if (process.getuid?.() === 0) lines.push('user root');
  if (login) {
    await writeFile(join(folder, 'passwords'), `${login.user}:${login.passwordHash}\n`);
    lines.push(`password_file ${join(folder, 'passwords')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Asks the port until something listens. @throws {Error} when the server ends, or with its last words after 10 s */
async function ready(port: number, child: ChildProcess, said: () => string): Promise<void> {
  const lateMs = performance.now() + START_LIMIT_MS;
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > lateMs) throw new Error(`mosquitto did not start: ${said()}`);
    await delay(20);
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = connectTcp(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
