import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { DeviceWatch, type ForeignFile, ForeignRegistrar, readForeignYaml } from '../participant/index.js';
import { brokerOption, joinBroker, ONE_SHOT_CONNECT_MS, withBroker } from './broker.js';
import { booleanOption, type CliContext, command, repeatable, secondsOption } from './command.js';
import { untilAborted } from './until-aborted.js';

interface Options {
  readonly broker?: string;
  readonly role: readonly string[];
  readonly interval: number;
  readonly forever: boolean;
  readonly watch: boolean;
}

/** What is to be announced, and for how long. */
export interface Registration {
  readonly broker: string | undefined;
  readonly files: readonly ForeignFile[];
  readonly intervalMs: number;
  readonly forever: boolean;
  /** Listen for devices known by a topic pattern. */
  readonly watch: boolean;
}

/** `msgflo-register`: announces participants that cannot do it themselves. */
export function register(context: CliContext): Command {
  return command('msgflo-register', 'Announce foreign participants, described in YAML')
    .argument('[files...]', "YAML files that list roles under 'participants'")
    .addOption(brokerOption())
    .addOption(repeatable('--role <role:file>', 'a role and the YAML file that describes it (repeatable)'))
    .addOption(secondsOption('--interval <seconds>', 'how often to announce', 60))
    .addOption(booleanOption('--forever', 'go on until interrupted', true))
    .addOption(booleanOption('--watch', 'also announce devices when their topic is first heard (MQTT)'))
    .action(async (paths: readonly string[], { broker, role, interval, forever, watch }: Options) => {
      if (paths.length + role.length === 0)
        throw new UsageError('nothing to announce: give --role ROLE:FILE, or files');
      const many = paths.map((path) => readForeignFile(path, undefined, context));
      const single = role.map((text) => readForeignFile(...roleAndFile(text), context));
      const files = await Promise.all([...single, ...many]);
      await announce({ broker, files, intervalMs: interval, forever: forever || watch, watch }, context);
    });
}

/** @throws {UsageError} when the file cannot be read @throws {ForeignYamlError} */
export async function readForeignFile(
  path: string,
  role: string | undefined,
  { cwd }: Pick<CliContext, 'cwd'>,
): Promise<ForeignFile> {
  const text = await readFile(resolve(cwd, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      error.code === 'ENOENT' ? `there is no file ${path}` : `cannot read ${path}: ${error.message}`,
    );
  });
  return readForeignYaml(text, path, role);
}

/** Announces once, or until interrupted; each announcement is a line on stdout. */
export async function announce(registration: Registration, context: CliContext): Promise<void> {
  const { files, forever, intervalMs } = registration;
  if (intervalMs === 0) throw new UsageError('--interval is a number of seconds above 0');
  const address = await joinBroker(registration.broker, context);
  await withBroker(address, context, forever ? {} : { timeoutMs: ONE_SHOT_CONNECT_MS }, async (client) => {
    const registrar = new ForeignRegistrar({
      client,
      definitions: files.flatMap(({ definitions }) => definitions),
      intervalMs,
      log: context.log,
      onSent: ({ id }) => context.print(`Sent discovery message for ${id}`),
    });
    if (forever) await stayUp(registrar, registration, { address, context });
    else await registrar.announce();
  });
}

async function stayUp(
  registrar: ForeignRegistrar,
  { files, watch }: Registration,
  { address, context }: { readonly address: string; readonly context: CliContext },
): Promise<void> {
  const patterns = files.flatMap((file) => file.patterns);
  if (watch && patterns.length === 0) throw new UsageError("--watch: none of the files has a participant with 'topic'");
  if (!watch && patterns.length > 0) context.log.warn(`${patterns.length} with 'topic' left out: they need --watch`);
  await registrar.start();
  // Only now: most who register devices need no connection of their own.
  const topics = watch ? await (await import('./mqtt-topics.js')).mqttTopics(address, context) : undefined;
  const devices = topics && new DeviceWatch({ listener: topics, patterns, registrar, log: context.log });
  try {
    await devices?.start();
    await untilAborted(context.signal);
  } finally {
    registrar.stop();
    await devices?.stop();
    await topics?.close();
  }
}

function roleAndFile(text: string): [path: string, role: string] {
  const at = text.indexOf(':');
  if (at > 0 && at < text.length - 1) return [text.slice(at + 1), text.slice(0, at)];
  throw new UsageError(`--role is ROLE:FILE.yml, not '${text}'`);
}
