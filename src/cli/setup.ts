import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { Coordinator, type Launch, launchesOf, type NetworkReport } from '../coordinator/index.js';
import { MsgfloError, UsageError } from '../errors.js';
import { type GraphDocument, participantNodes } from '../graph/index.js';
import type { Role } from '../names.js';
import { Guard, type OutputLine, prefixedOutput, Supervisor } from '../process/index.js';
import { type Broker, withoutPassword } from '../transport/index.js';
import { brokerOption, joinBroker, stateDir, withBroker } from './broker.js';
import { booleanOption, type CliContext, command, secondsOption } from './command.js';
import { forwardOption } from './msgflo.js';
import { executable, loadGraph, loadProjectLibrary } from './project.js';
import { untilAborted } from './until-aborted.js';

interface Options {
  readonly broker?: string;
  readonly participants: boolean;
  readonly only: readonly string[];
  readonly ignore: readonly string[];
  readonly library?: string;
  readonly componentdir?: string;
  readonly forward: readonly OutputLine['stream'][];
  readonly timeout: number;
  readonly forever: boolean;
  readonly shell?: string | true;
}

/** Not everything that the graph wants is in place, and the time is over. */
class SetupIncompleteError extends MsgfloError {
  readonly code = 'MSGFLO_SETUP_INCOMPLETE';
}

/** `msgflo-setup`: one pass of what `msgflo` does for ever: bind what the graph wants, print it, leave. */
export function setup(context: CliContext): Command {
  return command('msgflo-setup', 'Bind the queues of a graph once, and print the bindings made')
    .argument('<graph>', '.fbp or .json')
    .addOption(brokerOption())
    .addOption(booleanOption('--participants', 'start the participants too, and stop them afterwards'))
    .addOption(listOption('--only <roles>', 'start only these (a,b)'))
    .addOption(listOption('--ignore <roles>', 'do not start these (a,b)'))
    .option('--library <file>', 'component configuration (without: package.json, if there is one)')
    .option('--componentdir <folder>', 'folder of components (without: participants/, if there is one)')
    .addOption(forwardOption())
    .addOption(booleanOption('--discover', 'accepted for old scripts: participants are always discovered'))
    .addOption(secondsOption('--timeout <seconds>', 'give up after so long', 30))
    .addOption(booleanOption('--forever', 'stay, keep participants running and bindings made, until interrupted'))
    .addOption(new Option('--shell [shell]', 'start commands through a shell').preset(true))
    .action((graph: string, options: Options) => setUp(graph, options, context));
}

async function setUp(path: string, options: Options, context: CliContext): Promise<void> {
  const document = await loadGraph(path);
  const address = await joinBroker(options.broker, context);
  const launches = options.participants ? await launchesFor(document, address, options, context) : undefined;
  await withBroker(address, context, { timeoutMs: options.timeout, id: `msgflo-setup-${randomUUID()}` }, (broker) => {
    return withSupervisor(options, context, (supervisor) => {
      const coordinator = new Coordinator({
        graph: document.graph,
        broker,
        brokerName: withoutPassword(address),
        recordsPath: join(stateDir(context.cwd), `setup-${encodeURIComponent(document.graph.name)}.json`),
        log: context.log,
        ...(launches || options.forever ? { launcher: supervisor, launches: launches ?? new Map() } : {}),
        ...(options.forever ? { router: routerSpec(address) } : {}),
      });
      return pass(coordinator, document, broker, options, context);
    });
  });
}

async function pass(
  coordinator: Coordinator,
  document: GraphDocument,
  broker: Broker,
  { timeout, forever, participants }: Options,
  context: CliContext,
): Promise<void> {
  await coordinator.start();
  try {
    const report = await untilComplete(coordinator, timeout, context.signal);
    if (participants) context.print(`Set up participants ${JSON.stringify(rolesOf(report))}`);
    context.print('Set up bindings:');
    for (const line of bindingLines(report)) context.print(line);
    const missing = [
      ...report.edges.filter(({ state }) => state !== 'live'),
      ...(participants ? deadNodes(report) : []),
    ];
    if (missing.length > 0 && !forever)
      throw new SetupIncompleteError(
        inWords(
          missing.map(({ why }) => why),
          document,
        ),
      );
    if (!broker.capabilities.binds && !forever && report.edges.length > 0) {
      context.log.debug('routes to participants that take no wiring need a router: msgflo-router, or --forever');
    }
    if (forever) await untilAborted(context.signal);
  } finally {
    await coordinator.stop();
  }
}

/** The report once nothing is missing, or the last one when the time is over. */
async function untilComplete(coordinator: Coordinator, timeoutMs: number, signal: AbortSignal): Promise<NetworkReport> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener('abort', finish);
      resolve(coordinator.report());
    };
    const timer = setTimeout(finish, timeoutMs);
    signal.addEventListener('abort', finish);
    const unsubscribe = coordinator.subscribe(({ kind }) => {
      if (kind !== 'report' || !coordinator.isIdle) return;
      const { edges } = coordinator.report();
      if (edges.every(({ state }) => state === 'live')) finish();
    });
  });
}

function rolesOf({ nodes }: NetworkReport): readonly string[] {
  return nodes.filter(({ state }) => state !== 'foreign').map(({ role }) => role);
}

function deadNodes({ nodes }: NetworkReport): readonly { readonly why?: string }[] {
  return nodes.filter(({ state }) => state === 'pending' || state === 'lost');
}

/** As scripts read them: `PUBSUB: src -> tgt`. */
function bindingLines({ edges }: NetworkReport): readonly string[] {
  return edges.flatMap(({ edge, state, binding }) => {
    if (state !== 'live' || !binding) return [];
    const source = edge.kind === 'deadletter' ? binding.source.replace(/^dead-/, '') : binding.source;
    return [`${edge.kind.toUpperCase()}: ${source} -> ${binding.target}`];
  });
}

function inWords(reasons: readonly (string | undefined)[], { positions }: GraphDocument): string {
  const distinct = [...new Set(reasons.map((why) => why ?? 'something is missing'))];
  return `${positions.path}: not all could be set up: ${distinct.join('; ')}`;
}

async function launchesFor(
  { graph, positions }: GraphDocument,
  broker: string,
  options: Options,
  context: CliContext,
): Promise<ReadonlyMap<Role, Launch>> {
  const library = await loadProjectLibrary({ library: options.library, componentDir: options.componentdir }, context);
  const roles = participantNodes(graph).map(({ role }) => role);
  const wrong = [...options.only, ...options.ignore].find((name) => !roles.some((role) => role === name));
  if (wrong !== undefined)
    throw new UsageError(`${positions.path} has no role '${wrong}'; it has: ${roles.join(', ')}`);
  const others = options.only.length === 0 ? [] : roles.filter((role) => !options.only.includes(role));
  const { shell } = options;
  const { launches, unknown } = launchesOf(graph, library, {
    broker,
    ignore: [...options.ignore, ...others],
    ...(shell === undefined ? {} : { shell }),
  });
  const [first] = unknown;
  if (first) throw first.error;
  return launches;
}

/** A supervisor for as long as `work` takes; what it started is gone afterwards. */
async function withSupervisor<T>(
  { forward }: Pick<Options, 'forward'>,
  { log }: CliContext,
  work: (supervisor: Supervisor) => Promise<T>,
): Promise<T> {
  const guard = new Guard(log);
  const supervisor = new Supervisor({ guard, log });
  const toTerminal = prefixedOutput(process.stderr);
  supervisor.onOutput((line) => (forward.includes(line.stream) ? toTerminal(line) : undefined));
  try {
    return await work(supervisor);
  } finally {
    await supervisor.close();
    await guard.close();
  }
}

function routerSpec(broker: string) {
  const role = 'msgflo-router';
  return { key: role, role, argv: [process.execPath, executable(role)], env: { MSGFLO_BROKER: broker } };
}

function listOption(flag: string, description: string): Option {
  return new Option(flag, description)
    .default([] as string[], 'none')
    .argParser((value) => value.split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()])));
}
