import { join } from 'node:path';
import { Coordinator, launchesOf } from '../coordinator/index.js';
import { messageOf } from '../errors.js';
import { type IpcChannel, KeeperClient, type ProcessSpec } from '../process/index.js';
import { liveUrlLine, RuntimePinger, Server } from '../server/index.js';
import { createLogger, type Logger } from '../support/index.js';
import { builtinTransports } from '../transport/builtin/index.js';
import { type Broker, withoutPassword } from '../transport/index.js';
import { goOnWhenNobodyReads } from './command.js';
import { Progress } from './progress.js';
import { executable, loadGraph, loadProjectLibrary } from './project.js';
import { RuntimeNetwork } from './runtime-network.js';
import { type RuntimeSettings, takeSettings } from './runtime-settings.js';
import { untilAborted } from './until-aborted.js';

/** The coordinator cannot start and never will: the keeper gives up too. Anything else is tried again. */
export const CANNOT_START = 3;

/**
 * The coordinator's process: a child of the keeper, which starts another should it die. Ends on SIGTERM, and when the
 * keeper is gone.
 * @returns the exit code
 */
export async function runCoordinator(env: NodeJS.ProcessEnv, channel: IpcChannel): Promise<number> {
  goOnWhenNobodyReads();
  const settings = takeSettings(env);
  if (!settings) {
    process.stderr.write("msgflo-coordinator: it is started by 'msgflo', not by itself\n");
    return 2;
  }
  const log = createLogger('msgflo');
  const abort = new AbortController();
  const stop = (): void => abort.abort(new Error('stopped'));
  process.once('SIGTERM', stop).once('SIGINT', stop).once('disconnect', stop);
  const keeper = new KeeperClient(channel, { log });
  let isRestart = false;
  try {
    isRestart = (await keeper.list()).length > 0;
    await serve(settings, keeper, { log, isRestart, signal: abort.signal });
    return 0;
  } catch (error) {
    if (abort.signal.aborted) return 0;
    log.warn(messageOf(error));
    return isRestart ? 1 : CANNOT_START;
  } finally {
    keeper.close();
    if (process.connected) process.disconnect();
  }
}

interface Surroundings {
  readonly log: Logger;
  readonly isRestart: boolean;
  readonly signal: AbortSignal;
}

async function serve(
  settings: RuntimeSettings,
  keeper: KeeperClient,
  { log, isRestart, signal }: Surroundings,
): Promise<void> {
  const { graph, positions } = await loadGraph(settings.graph);
  const library = await loadProjectLibrary(settings, { cwd: process.cwd(), log });
  const { launches, unknown } = launchesOf(graph, library, settings);
  for (const { role, error } of isRestart ? [] : unknown) {
    const node = graph.nodes.find((one) => one.role === role);
    log.warn(
      `${node ? positions.where(node) : positions.path}: ${error.message}; waiting for somebody else to announce it`,
    );
  }
  const broker = await open(settings.broker, settings.run, log);
  const coordinator = new Coordinator({
    graph,
    broker,
    launcher: keeper,
    launches,
    router: routerSpec(settings.broker),
    run: settings.run,
    lapseMs: settings.lapseMs,
    brokerName: withoutPassword(settings.broker),
    recordsPath: join(settings.stateDir, `coordinator-${encodeURIComponent(graph.name)}.json`),
    log,
  });
  let isReady = false;
  const network = new RuntimeNetwork({ id: settings.runtimeId, coordinator, library });
  const { host, port, ide } = settings;
  const server = new Server({
    network,
    log,
    host,
    port,
    isReady: () => isReady,
    ...(ide === undefined ? {} : { ide }),
  });
  const pinger = pingerOf(settings, log);
  let progress: Progress | undefined;
  try {
    await server.start();
    await broker.connect({ signal });
    if (!isRestart) progress = new Progress(coordinator, positions, settings.waitTimeoutMs, log);
    await coordinator.start();
    isReady = true;
    pinger?.start();
    sayStarted(server.address, settings, isRestart, log);
    await untilAborted(signal);
  } finally {
    isReady = false;
    progress?.stop();
    await pinger?.stop();
    await server.stop();
    await coordinator.stop();
    await broker.close();
  }
}

async function open(address: string, run: string, log: Logger): Promise<Broker> {
  log.debug(`coordinator on ${withoutPassword(address)}`);
  return builtinTransports().open(address, { id: `msgflo-coordinator-${run}` }, log);
}

/** Forwards what the broker cannot bind; started only once something needs it, and then kept. */
function routerSpec(broker: string): ProcessSpec {
  return {
    key: 'msgflo-router',
    role: 'msgflo-router',
    argv: [process.execPath, executable('msgflo-router')],
    env: { MSGFLO_BROKER: broker },
  };
}

function pingerOf(settings: RuntimeSettings, log: Logger): RuntimePinger | undefined {
  const { pingUrl: url, pingMethod: method, pingIntervalMs: intervalMs, runtimeId } = settings;
  return url === undefined ? undefined : new RuntimePinger({ url, method, intervalMs, runtimeId, log });
}

/** The first two lines stand on stdout and read as they always did: scripts wait for them. */
function sayStarted(address: string, { ide, runtimeId }: RuntimeSettings, isRestart: boolean, log: Logger): void {
  if (isRestart) {
    log.info(`the coordinator is back on ${address}`);
    return;
  }
  process.stdout.write(`msgflo started on ${address}\n`);
  process.stdout.write(`${liveUrlLine({ address, id: runtimeId, ...(ide === undefined ? {} : { ide }) })}\n`);
}
