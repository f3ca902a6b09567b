import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { stopAfterAllSpecs } from './brokers.js';
import { killed } from './child-process.js';
import { ensureInstalled } from './debian.js';

const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const ENV_OVERRIDE = 'MSGFLO_TEST_AMQP';
const START_LIMIT_MS = 60_000;

/** A private RabbitMQ server: loopback only, own ports, own data, no plugins but those asked for. */
export interface Rabbit {
  readonly url: string;
  /** Of the management interface; nobody answers there unless it was asked for. */
  readonly managementUrl: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; resolves when it takes connections. */
  restart(): Promise<void>;
  /** `rabbitmqctl <args>`; its output. */
  ctl(...args: readonly string[]): Promise<string>;
  /** Kills it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

let shared: Promise<{ url: string }> | undefined;

/** The server that all specs of a mocha process share, started when first asked for; `MSGFLO_TEST_AMQP` names another. */
export function sharedRabbit(): Promise<{ url: string }> {
  const url = process.env[ENV_OVERRIDE];
  if (url) return Promise.resolve({ url });
  shared ??= startRabbit().then((rabbit) => {
    stopAfterAllSpecs(() => rabbit.stop());
    return rabbit;
  });
  return shared;
}

export interface RabbitOptions {
  /** With the management plugin; takes some seconds more. @default false */
  readonly management?: boolean;
  /** Threads of Erlang for RabbitMQ's work: one is enough for a spec, `all` are as many as it takes by itself. @default 'one' */
  readonly schedulers?: 'one' | 'all';
}

/** A server for one spec that kills it or looks at its lists; takes some 5 s. Also stopped when mocha ends. */
export async function startRabbit({ management = false, schedulers = 'one' }: RabbitOptions = {}): Promise<Rabbit> {
  const server = await ensureInstalled(SERVER, 'rabbitmq-server', ENV_OVERRIDE);
  const epmdProgram = await ensureInstalled('epmd', 'erlang-base', ENV_OVERRIDE);
  const folder = await mkdtemp(join(tmpdir(), 'msgflo-rabbit-'));
  const [port, distPort, epmdPort, managementPort] = await freePorts(4);
  const lines = [`listeners.tcp.1 = 127.0.0.1:${port}`, 'disk_free_limit.absolute = 1MB'];
  if (management)
    lines.push(
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${managementPort}`,
      'collect_statistics_interval = 1000',
    );
  await writeFile(join(folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'plugins'), management ? '[rabbitmq_management].\n' : '[].\n');
  await writeFile(join(folder, 'env.conf'), '');
  const env = environment(folder, { port, distPort, epmdPort }, schedulers);
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const epmd = spawn(epmdProgram, ['-port', String(epmdPort), '-address', '127.0.0.1'], { env, stdio: 'ignore' });
  const killEpmdAtExit = killAtExit(epmd);
  let beam: ChildProcess | undefined;
  let forgetBeam = (): void => {};

  const start = async (): Promise<void> => {
    const child = spawn(server, [], { env, cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] });
    beam = child;
    forgetBeam = killAtExit(child);
    await ready(url, child, folder);
  };
  const kill = async (): Promise<void> => {
    const child = beam;
    beam = undefined;
    if (!child) return;
    await killed(child);
    forgetBeam();
  };
  const stop = async (): Promise<void> => {
    await kill();
    await killed(epmd);
    killEpmdAtExit();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const ctl = async (...args: readonly string[]): Promise<string> => {
    const { RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: _server, ...ctlEnv } = env;
    const program = join(dirname(server), 'rabbitmqctl');
    return (await promisify(execFile)(program, ['-q', ...args], { env: ctlEnv })).stdout;
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  const managementUrl = `http://127.0.0.1:${managementPort}`;
  return { url, managementUrl, kill, restart: start, ctl, stop };
}

interface Ports {
  readonly port: number;
  readonly distPort: number;
  readonly epmdPort: number;
}

/** RABBITMQ_ALLOW_INPUT makes the script become the server itself, so that the child is the process to kill. */
function environment(
  folder: string,
  { distPort, epmdPort }: Ports,
  schedulers: RabbitOptions['schedulers'],
): NodeJS.ProcessEnv {
  const threads = schedulers === 'one' ? '+S 1:1 ' : '';
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: folder,
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `msgflo-${distPort}@localhost`,
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'env.conf'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: join(folder, 'log', 'server.log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${threads}-noinput -kernel inet_dist_use_interface {127,0,0,1}`,
  };
}

/** It listens only when everything is recovered; a connection that opens a channel is the proof. */
async function ready(url: string, child: ChildProcess, folder: string): Promise<void> {
  const untilMs = performance.now() + START_LIMIT_MS;
  for (;;) {
    const failed = child.exitCode !== null || performance.now() > untilMs;
    if (failed) throw new Error(`rabbitmq-server did not start: ${await logEnd(folder)}`);
    try {
      const connection = await connect(url, { timeout: 5000 });
      connection.on('error', () => {});
      await connection.createChannel();
      await connection.close();
      return;
    } catch {
      await delay(100);
    }
  }
}

async function logEnd(folder: string): Promise<string> {
  const log = await readFile(join(folder, 'log', 'server.log'), 'utf8').catch(() => '(no log)');
  return log.slice(-2000);
}

/** A mocha that ends without its teardown, or by SIGTERM, leaves no server behind. Returns how to forget it. */
function killAtExit(child: ChildProcess): () => void {
  const kill = (): void => void child.kill('SIGKILL');
  const killAndEnd = (): void => {
    kill();
    process.kill(process.pid, 'SIGTERM');
  };
  process.once('exit', kill);
  process.once('SIGTERM', killAndEnd);
  return () => {
    process.off('exit', kill);
    process.off('SIGTERM', killAndEnd);
  };
}

/** All held at once, so that they differ. */
async function freePorts(count: 4): Promise<[number, number, number, number]>;
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return address && typeof address === 'object' ? address.port : 0;
  });
  await Promise.all(servers.map((server) => promisify(server.close.bind(server))()));
  return ports;
}
