import { basename, join } from 'node:path';
import { Coordinator } from '../coordinator/index.js';
import { messageOf } from '../errors.js';
import { GraphFile } from '../graph-file/index.js';
import type { Library } from '../library/index.js';
import { type IpcChannel, KeeperClient, type ProcessSpec } from '../process/index.js';
import { FbpRelay, gitCommit, Metrics, Project, Runtime } from '../runtime/index.js';
import { liveUrlLine, RuntimePinger, Server, type ServerOptions } from '../server/index.js';
import { createLogger, type Logger } from '../support/index.js';
import { builtinTransports } from '../transport/builtin/index.js';
import { type Broker, type ClientOptions, withoutPassword } from '../transport/index.js';
import { childBroker } from './broker.js';
import { goOnWhenNobodyReads } from './command.js';
import { Progress } from './progress.js';
import { executable, loadProjectLibrary } from './project.js';
import { RestingMemory } from './resting-memory.js';
import { type RuntimeSettings, takeSettings } from './runtime-settings.js';
import { readTls, renewTls } from './tls-options.js';
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
    const graphFile = await openGraph(settings, log);
    // A network that is stopped has no processes, but a graph that was kept.
    isRestart ||= graphFile.isRestored;
    await serve(settings, { keeper, graphFile, log, isRestart, signal: abort.signal });
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
  readonly keeper: KeeperClient;
  /** Closed by `serve`. */
  readonly graphFile: GraphFile;
  readonly log: Logger;
  readonly isRestart: boolean;
  readonly signal: AbortSignal;
}

/**
 * Opens all parts, from the broker to the door, and closes them the other way round: who came in last leaves first, and the
 * graph's file is written before the broker is let go.
 */
async function serve(
  settings: RuntimeSettings,
  { keeper, graphFile, log, isRestart, signal }: Surroundings,
): Promise<void> {
  const closings: (() => unknown)[] = [() => graphFile.close()];
  try {
    const tls = settings.tls && (await readTls(settings.tls));
    const project = await projectOf(settings, log);
    if (!isRestart) sayUnfit(project, graphFile, log);
    for (const role of graphFile.live.others ?? []) project.leaveToOthers(role);
    const { management } = settings;
    const identity = { id: `msgflo-coordinator-${settings.run}`, ...(management !== undefined && { management }) };
    const broker = await openBroker(settings.broker, identity, log);
    closings.unshift(() => broker.close());
    const coordinator = coordinatorOf(settings, { graphFile, project, broker, keeper, log });
    const memory = new RestingMemory();
    // What was read to start is a burst as well. A report comes with every pass, when nothing happens too.
    memory.touch();
    const forget = coordinator.subscribe(({ kind }) => (kind === 'report' ? undefined : memory.touch()));
    const relay = new FbpRelay({ broker, log });
    const repositoryVersion = await gitCommit(project.library.baseDir);
    const runtime = new Runtime({
      id: settings.runtimeId,
      coordinator,
      project,
      store: graphFile,
      relay,
      log,
      ...(settings.graph === undefined ? {} : { file: settings.graph }),
      ...(repositoryVersion === undefined ? {} : { repositoryVersion }),
    });
    let isReady = false;
    const metrics = new Metrics(coordinator);
    const server = serverOf(settings, {
      network: runtime,
      log,
      metrics: () => metrics.text(),
      isReady: () => isReady && broker.status === 'open',
      ...(tls && { tls }),
    });
    closings.unshift(
      () => server.stop(),
      () => forget(),
      () => memory.stop(),
      () => metrics.close(),
      () => runtime.close(),
      () => relay.close(),
      () => coordinator.stop(),
      () => graphFile.close(),
    );
    await server.start();
    if (settings.tls && tls) {
      closings.unshift(renewTls(settings.tls, tls, { renew: (pem) => server.renewTls(pem), log }));
    }
    await broker.connect({ signal });
    if (!isRestart) {
      const { waitTimeoutMs } = settings;
      const progress = new Progress({ coordinator, positions: () => graphFile.positions, waitTimeoutMs, log });
      closings.unshift(() => progress.stop());
    }
    // Should the broker go away just now, it would be waited for, whoever wants us to end.
    const giveUp = (): void => void broker.close();
    signal.addEventListener('abort', giveUp);
    await coordinator.start();
    signal.removeEventListener('abort', giveUp);
    isReady = true;
    closings.unshift(() => {
      isReady = false;
    });
    const pinger = pingerOf(settings, log);
    pinger?.start();
    closings.unshift(() => pinger?.stop());
    sayStarted(server.address, settings, isRestart, log);
    await untilAborted(signal);
  } finally {
    for (const close of closings) {
      try {
        await close();
      } catch (error) {
        log.debug(`closing: ${messageOf(error)}`);
      }
    }
  }
}

/** The base of the names of the files that are kept for a graph; a graph may change its own name while it runs. */
function stemOf({ graph = 'main' }: RuntimeSettings): string {
  return encodeURIComponent(basename(graph).replace(/\.(fbp|json)$/i, ''));
}

function openGraph(settings: RuntimeSettings, log: Logger): Promise<GraphFile> {
  const { graph: path, stateDir, run, autoSave } = settings;
  const statePath = join(stateDir, `graph-${stemOf(settings)}.json`);
  return GraphFile.open({ statePath, run, autoSave, log, ...(path === undefined ? {} : { path }) });
}

async function projectOf(settings: RuntimeSettings, log: Logger): Promise<Project> {
  const load = (): Promise<Library> => loadProjectLibrary(settings, { cwd: process.cwd(), log });
  const { broker, mqtt, run, ignore, together } = settings;
  const shareable = [executable('msgflo-participant')];
  const launch = {
    ...childBroker(broker, mqtt),
    run,
    ignore,
    shareable,
    ...(together === undefined ? {} : { together }),
  };
  return new Project({ library: await load(), load, launch });
}

/** That a component is unknown is no mistake: somebody else may run it. */
function sayUnfit(project: Project, { live, positions }: GraphFile, log: Logger): void {
  const { unfit } = project.launchesOf(live.graph);
  for (const node of live.graph.nodes) {
    const why = unfit.get(node.role);
    if (why !== undefined) log.warn(`${positions.where(node)}: ${why}; waiting for somebody else to announce it`);
  }
}

interface Parts {
  readonly graphFile: GraphFile;
  readonly project: Project;
  readonly broker: Broker;
  readonly keeper: KeeperClient;
  readonly log: Logger;
}

function coordinatorOf(settings: RuntimeSettings, { graphFile, project, broker, keeper, log }: Parts): Coordinator {
  const { graph, isStarted } = graphFile.live;
  return new Coordinator({
    graph,
    isStarted,
    broker,
    openClient: (options) => openBroker(settings.broker, options, log),
    launcher: keeper,
    launches: (one) => project.launchesOf(one).launches,
    router: routerSpec(settings.broker),
    run: settings.run,
    lapseMs: settings.lapseMs,
    brokerName: withoutPassword(settings.broker),
    recordsPath: join(settings.stateDir, `coordinator-${stemOf(settings)}.json`),
    log,
  });
}

function serverOf(
  { host, port, ide, access, allowOrigins }: RuntimeSettings,
  parts: Pick<ServerOptions, 'network' | 'log' | 'isReady' | 'tls' | 'metrics'>,
): Server {
  return new Server({ ...parts, host, port, access, allowOrigins, ...(ide === undefined ? {} : { ide }) });
}

function openBroker(address: string, options: ClientOptions, log: Logger): Promise<Broker> {
  log.debug(`coordinator on ${withoutPassword(address)}`);
  return builtinTransports().open(address, options, log);
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
