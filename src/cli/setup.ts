import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { Coordinator, type Launch, launchesOf } from '../coordinator/index.js';
import { UsageError } from '../errors.js';
import { type GraphDocument, participantNodes } from '../graph/index.js';
import type { Library } from '../library/index.js';
import type { Role } from '../names.js';
import { Guard, type OutputLine, prefixedOutput, Secrets, Supervisor } from '../process/index.js';
import { withoutPassword } from '../transport/index.js';
import {
  brokerOption,
  type ChildBroker,
  childBroker,
  joinWithChildren,
  namedBroker,
  stateDir,
  tokenIn,
  withBroker,
} from './broker.js';
import { booleanOption, type CliContext, command, presetOption, secondsOption } from './command.js';
import { type EmbeddedFlags, embeddedOptions, embeddedSettings, givenEmbedded } from './embedded-options.js';
import { EmbeddedService } from './embedded-service.js';
import { forwardOption } from './msgflo.js';
import { ComponentMissingError, executable, loadGraph, loadProjectLibrary } from './project.js';
import { pass } from './setup-pass.js';

interface Options extends EmbeddedFlags {
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

/** `msgflo-setup`: one pass of what `msgflo` does for ever: bind what the graph wants, print it, leave. */
export function setup(context: CliContext): Command {
  const parser = command('msgflo-setup', 'Bind the queues of a graph once, and print the bindings made')
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
    .addOption(presetOption('--shell', 'shell', 'start commands through a shell (bare: /bin/sh)').argParser(parseShell))
    .optionsGroup('The embedded broker, with --forever and without --broker:');
  for (const option of embeddedOptions()) parser.addOption(option);
  return parser.action((graph: string, options: Options, self: Command) =>
    setUp(graph, options, givenEmbedded(self), context),
  );
}

async function setUp(path: string, options: Options, given: readonly string[], context: CliContext): Promise<void> {
  const document = await loadGraph(path);
  const library = options.participants ? await libraryFor(document, options, context) : undefined;
  // The broker goes last, for participants that finish what they hold.
  await withAddress(options, given, context, ({ address, mqtt }, guard) => {
    return withSupervisor({ ...options, mqtt }, guard, context, async (supervisor) => {
      const launches = library
        ? launchesFor(document, library, childBroker(address, mqtt), options)
        : new Map<Role, Launch>();
      const client = { timeoutMs: options.timeout, id: `msgflo-setup-${randomUUID()}` };
      await withBroker(address, context, client, async (broker) => {
        const coordinator = new Coordinator({
          graph: document.graph,
          broker,
          brokerName: withoutPassword(address),
          recordsPath: join(stateDir(context.cwd), `setup-${encodeURIComponent(document.graph.name)}.json`),
          log: context.log,
          ...(library || options.forever ? { launcher: supervisor, launches: () => launches } : {}),
          ...(options.forever ? { router: routerSpec(address) } : {}),
        });
        await coordinator.start();
        try {
          const { timeout: timeoutMs, forever } = options;
          await pass(coordinator, document, { timeoutMs, forever, launched: new Set(launches.keys()) }, context);
        } finally {
          await coordinator.stop();
        }
      });
    });
  });
}

/** The broker named, or the one that runs in this folder; only what stays up brings one along. */
async function withAddress(
  options: Options,
  given: readonly string[],
  context: CliContext,
  work: (broker: { readonly address: string; readonly mqtt?: string }, guard: Guard) => Promise<void>,
): Promise<void> {
  const { broker, forever } = options;
  const named = namedBroker(broker, context.env);
  const isEmbedded = forever && !named;
  if (!isEmbedded && given.length > 0) {
    const why = named ? `as ${named.from} names another broker` : 'without --forever none is brought along';
    context.log.warn(`${given.join(', ')}: not in force, ${why}`);
  }
  const joined = isEmbedded ? undefined : await joinWithChildren(broker, context);
  const dir = stateDir(context.cwd);
  const settings = embeddedSettings(dir, options);
  const guard = new Guard(context.log);
  let embedded: EmbeddedService | undefined;
  try {
    if (joined !== undefined) return await work(joined, guard);
    const started = await EmbeddedService.start({ stateDir: dir, guard, settings, given }, context);
    embedded = started.service;
    await work(started.broker, guard);
  } finally {
    await embedded?.stop();
    await guard.close();
  }
}

/** The components, once it is sure that all that is to be started can be. */
async function libraryFor(document: GraphDocument, options: Options, context: CliContext): Promise<Library> {
  const library = await loadProjectLibrary({ library: options.library, componentDir: options.componentdir }, context);
  launchesFor(document, library, { broker: '' }, options);
  return library;
}

function launchesFor(
  { graph, positions }: GraphDocument,
  library: Library,
  broker: ChildBroker,
  { only, ignore, shell, forever }: Options,
): ReadonlyMap<Role, Launch> {
  const roles = participantNodes(graph).map(({ role }) => role);
  const wrong = only.find((name) => !roles.some((role) => role === name));
  if (wrong !== undefined)
    throw new UsageError(`${positions.path} has no role '${wrong}'; it has: ${roles.join(', ')}`);
  const others = only.length === 0 ? [] : roles.filter((role) => !only.includes(role));
  const { launches, unknown } = launchesOf(graph, library, {
    ...broker,
    ignore: [...ignore, ...others],
    briefly: !forever,
    ...(shell === undefined ? {} : { shell }),
  });
  const [first] = unknown;
  const node = graph.nodes.find(({ role }) => role === first?.role);
  if (first && node) throw new ComponentMissingError(node, positions, first.error);
  return launches;
}

/** A supervisor for as long as `work` takes; what it started is gone afterwards. */
async function withSupervisor(
  { forward, mqtt }: Pick<Options, 'forward'> & { readonly mqtt?: string | undefined },
  guard: Guard,
  { log }: CliContext,
  work: (supervisor: Supervisor) => Promise<void>,
): Promise<void> {
  const secrets = new Secrets();
  secrets.add(tokenIn(mqtt));
  const supervisor = new Supervisor({ guard, log, secrets });
  const toTerminal = prefixedOutput(process.stderr);
  supervisor.onOutput((line) => (forward.includes(line.stream) ? toTerminal(line) : undefined));
  try {
    await work(supervisor);
  } finally {
    await supervisor.close();
  }
}

function parseShell(value: string): string | true | undefined {
  if (value === 'false') return undefined;
  return value === 'true' ? true : value;
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
