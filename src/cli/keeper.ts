import { join } from 'node:path';
import {
  Guard,
  KeeperServer,
  KeptService,
  type OutputLine,
  prefixedOutput,
  Secrets,
  Supervisor,
} from '../process/index.js';
import { tokenIn } from './broker.js';
import { AlreadyToldError, type CliContext } from './command.js';
import { CANNOT_START } from './coordinator-process.js';
import { EmbeddedService, type EmbeddedServiceOptions } from './embedded-service.js';
import { executable } from './project.js';
import { type RuntimeSettings, settingsAsEnv } from './runtime-settings.js';
import { untilAborted } from './until-aborted.js';

type Service = Pick<KeptService, 'stop'>;

export interface KeeperOptions {
  /** Without `broker`: the embedded one is started, or joined where it runs already. */
  readonly settings: Omit<RuntimeSettings, 'broker'> & { readonly broker?: string };
  /** Of the embedded broker. */
  readonly embedded: Pick<EmbeddedServiceOptions, 'settings' | 'given'>;
  /** Which output of participants is shown. */
  readonly forward: readonly OutputLine['stream'][];
}

/**
 * A coordinator is idle for most of its life: it is to hold little memory then (see RestingMemory). A burst of work is over
 * before optimizing its code pays, and what the optimizing compiler took for that would stay: only what is busy for long is
 * optimized (the budget is some fifteen times the usual one).
 */
const SPARING = ['--max-semi-space-size=1', '--expose-gc', '--compact-on-every-full-gc', '--interrupt-budget=1000000'];
/** glibc keeps a pool of memory for each thread otherwise; other systems do not know the word. */
const ONE_POOL = { MALLOC_ARENA_MAX: '1' };

/**
 * The keeper: a small process that only starts and watches. It brings up the embedded broker where none was named, the
 * coordinator, and through it the participants; a part that dies is started again. When the keeper itself dies, all it
 * started is gone within 2 s; when it is asked to end, participants finish what they have in hand first.
 */
export async function keep({ settings, embedded, forward }: KeeperOptions, context: CliContext): Promise<void> {
  const { log, signal } = context;
  const guard = new Guard(log);
  const env = compileCache(settings.stateDir, context);
  const secrets = new Secrets();
  const supervisor = new Supervisor({ guard, log, env, secrets });
  const toTerminal = prefixedOutput(process.stderr);
  supervisor.onOutput((line) => (forward.includes(line.stream) ? toTerminal(line) : undefined));
  const server = new KeeperServer(supervisor, log);
  const services: Service[] = [];
  const bringUp = async (): Promise<Pick<RuntimeSettings, 'broker' | 'mqtt'>> => {
    const options = { stateDir: settings.stateDir, guard, ...embedded };
    const { service, broker } = await EmbeddedService.start(options, context);
    services.push(service);
    secrets.add(tokenIn(broker.mqtt));
    return { broker: broker.address, ...(broker.mqtt !== undefined && { mqtt: broker.mqtt }) };
  };
  try {
    const broker = settings.broker === undefined ? await bringUp() : { broker: settings.broker };
    const coordinator = new KeptService(
      {
        role: 'coordinator',
        argv: [process.execPath, ...SPARING, executable('msgflo-coordinator')],
        env: { ...env, ...ONE_POOL, ...settingsAsEnv({ ...settings, ...broker }) },
      },
      { guard, log, restart: { finalCodes: [CANNOT_START] }, onSpawn: (child) => server.attach(child) },
    );
    services.push(coordinator);
    await Promise.race([untilAborted(signal), coordinator.over()]);
    if (!signal.aborted) throw new AlreadyToldError('the coordinator could not start');
    const { length } = await supervisor.list();
    if (length > 0) log.info(`stopping ${length} ${length === 1 ? 'process' : 'processes'}`);
  } catch (error) {
    // Interrupted while it was still starting: it ends as it does later.
    if (!signal.aborted) throw error;
  } finally {
    // The coordinator first, so that nothing is started again; the broker last, for those who finish what they hold.
    await services.pop()?.stop();
    await supervisor.close();
    for (const service of services.reverse()) await service.stop();
    await guard.close();
  }
}

/** Node remembers from 22.1 on what it has compiled, which saves a third of a start; earlier ones do not know the word. */
function compileCache(stateDir: string, { env }: CliContext): Readonly<Record<string, string>> {
  return env['NODE_COMPILE_CACHE'] === undefined ? { NODE_COMPILE_CACHE: join(stateDir, 'compile-cache') } : {};
}
