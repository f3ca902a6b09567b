import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stopAfterAllSpecs } from './brokers.js';
import { ensureInstalled } from './debian.js';
import { freePort } from './free-port.js';

const ENV_OVERRIDE = 'MSGFLO_TEST_MQTT';
const START_LIMIT_MS = 10_000;

/** A private Mosquitto: loopback only, a free port, its own data. */
export interface Mosquitto {
  readonly url: string;
  /**
   * Resolves when the process is gone. By SIGKILL what it has not written yet (mostly the last change) is gone too; on
   * SIGTERM it writes first. @default SIGKILL
   */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Has it write its data now. */
  save(): Promise<void>;
  /** Starts it again on the same port and data; resolves when it takes connections. */
  restart(): Promise<void>;
  /** Kills it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

export interface MosquittoOptions {
  /** Further lines of its configuration. */
  readonly config?: readonly string[];
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
  await writeFile(join(folder, 'mosquitto.conf'), configuration(folder, port, options));
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
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill(signal);
    await gone;
  };
  const data = join(folder, 'mosquitto.db');
  const save = async (): Promise<void> => {
    const before = await writtenMs(data);
    await delay(2); // so that the file's time differs
    child?.kill('SIGUSR1');
    while ((await writtenMs(data)) === before) await delay(5);
  };
  const stop = async (): Promise<void> => {
    await kill();
    process.off('exit', killAtExit);
    await rm(folder, { recursive: true, force: true });
  };
  stopAfterAllSpecs(stop);
  await restart();
  return { url: `mqtt://127.0.0.1:${port}`, kill, save, restart, stop };
}

/** Writes its data at every second change, the soonest that there is, and never drops what waits. */
function configuration(folder: string, port: number, { config = [] }: MosquittoOptions): string {
  const lines = [
    `listener ${port} 127.0.0.1`,
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_on_changes true',
    'autosave_interval 1',
    'max_queued_messages 0',
    'set_tcp_nodelay true',
    'log_type error',
    'log_dest stderr',
    ...(config.some((line) => line.startsWith('allow_anonymous')) ? [] : ['allow_anonymous true']),
    ...config,
  ];
  if (process.getuid?.() === 0) lines.push('user root');
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

/** It is written beside and renamed. */
async function writtenMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
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
