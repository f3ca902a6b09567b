import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import { launchesOf } from '../coordinator/index.js';
import { UsageError } from '../errors.js';
import type { OutputLine } from '../process/index.js';
import { DEFAULT_IDE, freePort } from '../server/index.js';
import { builtinTransports } from '../transport/builtin/index.js';
import { withoutPassword } from '../transport/index.js';
import { type AccessFlags, accessOf, accessOptions, takeSecret } from './access-options.js';
import { brokerOption, managementOf, managementOption, namedBroker, stateDir } from './broker.js';
import { booleanOption, type CliContext, command, presetOption, repeatable, secondsOption } from './command.js';
import { type EmbeddedFlags, embeddedOptions, embeddedSettings, givenEmbedded } from './embedded-options.js';
import { keep } from './keeper.js';
import { loadGraph, loadProjectLibrary } from './project.js';
import { runtimeIdOf } from './runtime-settings.js';
import { type TlsFlags, tlsFilesOf, tlsOptions } from './tls-options.js';

interface Options extends AccessFlags, TlsFlags, EmbeddedFlags {
  readonly host: string;
  readonly port: number;
  readonly broker?: string;
  readonly management: string;
  readonly ide: string;
  readonly library?: string;
  readonly componentdir?: string;
  readonly graph?: string;
  readonly ignore: readonly string[];
  readonly together?: string;
  readonly autoSave: boolean;
  readonly forward: readonly OutputLine['stream'][];
  readonly waitTimeout: number;
  readonly lapse: number;
  readonly runtimeId?: string;
  readonly pingUrl?: string;
  readonly pingMethod: string;
  readonly pingInterval: number;
}

/** `msgflo`: runs a graph, for as long as it is let. */
export function msgflo(context: CliContext): Command {
  const parser = command('msgflo', 'Run a graph: start its participants, bind their queues, and serve visual editors')
    .argument('[graph]', 'the same as --graph')
    .optionsGroup('What runs:')
    .option('--graph <file>', 'graph to run, .fbp or .json (without: an empty one)')
    .addOption(brokerOption())
    .addOption(managementOption())
    .option('--library <file>', 'component configuration (without: package.json, if there is one)')
    .option('--componentdir <folder>', 'folder of components (without: participants/, if there is one)')
    .addOption(repeatable('--ignore <role>', 'do not start this role; somebody else does'))
    .addOption(presetOption('--together', 'processes', 'run components of JavaScript in one process, or in so many'))
    .addOption(booleanOption('--auto-save', 'write edits back to the graph file'))
    .optionsGroup('What is said:')
    .addOption(forwardOption())
    .addOption(secondsOption('--wait-timeout <seconds>', 'say what is still missing after so long', 45))
    .addOption(secondsOption('--lapse <seconds>', 'a participant silent for so long counts as lost', 600))
    .optionsGroup('Where editors find it:')
    .option('--host <name>', 'where the FBP runtime endpoint listens', 'localhost')
    .option('--port <number>', 'its port; 0 takes a free one', parsePort, 3569)
    .option('--ide <url>', 'visual editor to open the network in; its pages may connect', DEFAULT_IDE);
  for (const option of tlsOptions()) parser.addOption(option);
  parser.optionsGroup('The embedded broker, without --broker:');
  for (const option of embeddedOptions()) parser.addOption(option);
  parser.optionsGroup('Who may do what:');
  for (const option of accessOptions()) parser.addOption(option);
  return parser
    .optionsGroup('How it is known:')
    .addOption(
      new Option('--runtime-id <id>', 'id of this runtime (without: one kept in .msgflo)').env('MSGFLO_RUNTIME_ID'),
    )
    .addOption(
      new Option('--ping-url <url>', 'tell this address that the runtime is up; $RUNTIME_ID is replaced')
        .env('MSGFLO_PING_URL')
        .argParser(parsePingUrl),
    )
    .addOption(
      new Option('--ping-method <method>', 'HTTP method of the ping').env('MSGFLO_PING_METHOD').default('POST'),
    )
    .addOption(
      secondsOption('--ping-interval <seconds>', 'how often to ping; 0 is never', 0).env('MSGFLO_PING_INTERVAL'),
    )
    .action((graph: string | undefined, options: Options, self: Command) => {
      if (graph !== undefined && options.graph !== undefined) {
        throw new UsageError(`one graph at a time: '${graph}' and --graph '${options.graph}'`);
      }
      return start(graph === undefined ? options : { ...options, graph }, givenEmbedded(self), context);
    });
}

/** Checks all that can be checked before anything is started, so that a mistake is one line and nothing is left behind. */
async function start(options: Options, given: readonly string[], context: CliContext): Promise<void> {
  const secret = takeSecret(process.env);
  const { graph } = await loadGraph(options.graph);
  const flags = { library: options.library, componentDir: options.componentdir };
  launchesOf(graph, await loadProjectLibrary(flags, context), { broker: '', ignore: options.ignore });
  const named = namedBroker(options.broker, context.env);
  if (named) {
    builtinTransports().check(named.address);
    context.log.info(`using the broker ${withoutPassword(named.address)} (${named.from})`);
    if (given.length > 0) context.log.warn(`${given.join(', ')}: not in force, as ${named.from} names another broker`);
  }
  const tls = await tlsFilesOf(options);
  const isTls = tls !== undefined;
  const access = await accessOf(options, { host: options.host, isTls, secret, log: context.log });
  const dir = stateDir(context.cwd);
  const embedded = { settings: embeddedSettings(dir, options), given };
  const settings = {
    stateDir: dir,
    ...(named ? { broker: named.address } : {}),
    ...managementOf(options),
    run: randomUUID(),
    host: options.host,
    // A coordinator that comes back must be found where the one before was.
    port: options.port === 0 ? await freePort(options.host) : options.port,
    access,
    ...(tls && { tls }),
    ide: options.ide,
    allowOrigins: options.allowOrigin,
    autoSave: options.autoSave,
    ...(options.graph === undefined ? {} : { graph: options.graph }),
    ...(options.library === undefined ? {} : { library: options.library }),
    ...(options.componentdir === undefined ? {} : { componentDir: options.componentdir }),
    ignore: options.ignore,
    ...(options.together === undefined ? {} : { together: processesOf(options.together) }),
    waitTimeoutMs: options.waitTimeout,
    lapseMs: options.lapse,
    runtimeId: options.runtimeId ?? (await runtimeIdOf(dir, context.log)),
    ...(options.pingUrl === undefined ? {} : { pingUrl: options.pingUrl }),
    pingMethod: options.pingMethod,
    pingIntervalMs: options.pingInterval,
  };
  await keep({ settings, embedded, forward: options.forward }, context);
}

/** `--forward`, shared with msgflo-setup. */
export function forwardOption(): Option {
  return new Option('--forward <streams>', 'show this output of participants: stderr, stdout or both; none for nothing')
    .default(['stderr', 'stdout'], 'stderr,stdout')
    .argParser((value) => {
      const streams =
        value === 'none' ? [] : value.split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]));
      const wrong = streams.find((stream) => stream !== 'stderr' && stream !== 'stdout');
      if (wrong === undefined) return streams;
      throw new UsageError(`--forward takes stderr, stdout or both, not '${wrong}'`);
    });
}

function parsePingUrl(text: string): string {
  if (/^https?:/i.test(text) && URL.canParse(text)) return text;
  throw new UsageError('--ping-url must be an http or https URL');
}

function processesOf(text: string): number {
  const count = text === 'true' ? 1 : Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 100) return count;
  throw new UsageError(`--together is a number of processes from 1 to 100, not '${text}'`);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (text.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`--port is a number from 0 to 65535, not '${text}'`);
}
