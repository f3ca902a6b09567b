import { basename, extname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { messageOf, UsageError } from '../errors.js';
import { type RunOptions, runComponent } from '../participant/index.js';
import { SHARED_VARIABLE } from '../process/index.js';
import { createLogger } from '../support/index.js';
import { builtinTransports } from '../transport/builtin/index.js';
import { withoutPassword } from '../transport/index.js';
import { brokerOption, joinBroker } from './broker.js';
import { type CliContext, command, TerminatedError } from './command.js';

interface Options {
  readonly name?: string;
  readonly broker?: string;
  readonly iips?: Readonly<Record<string, unknown>>;
  readonly slot?: string;
}

/** `msgflo-participant`: runs the participant that a module defines, ours or of the shape (client, role). */
export function participant(context: CliContext): Command {
  return command('msgflo-participant', 'Run the participant that a module defines, until interrupted')
    .argument('<file>', 'module whose default export is participant({...}) or a function (client, role)')
    .option('--name <role>', 'role to play (else the name of the file)')
    .addOption(brokerOption())
    .option('--iips <json>', 'initial data by inport, as a JSON object', parseIips)
    .addOption(slotOption())
    .action(async (file: string, { name, broker, iips, slot }: Options) => {
      const role = name ?? basename(file, extname(file)).toLowerCase();
      const options = await runOptions(role, broker, context);
      const own = { ...(iips === undefined ? {} : { iips }), ...(slot ? { slot } : {}) };
      await runComponent(resolve(context.cwd, file), { ...options, ...own });
      tellKeeper(context);
    });
}

/**
 * A keeper starts again what somebody else has ended; what ends by itself, with exit code 0, has done its work.
 * @throws {TerminatedError} under a keeper, after a signal
 */
export function tellKeeper({ env, signal }: CliContext): void {
  if (env['MSGFLO_RUN'] && signal.aborted) throw new TerminatedError('ended by a signal');
}

/**
 * What every participant takes from its surroundings: the broker, and from its keeper slot and run.
 * @throws {UsageError} for a MSGFLO_DISCOVERY_PERIOD that is no number of seconds
 */
export async function runOptions(role: string, broker: string | undefined, context: CliContext): Promise<RunOptions> {
  const { MSGFLO_RUN: run, MSGFLO_SLOT: slot, MSGFLO_DISCOVERY_PERIOD: period } = context.env;
  const isShared = Boolean(context.env[SHARED_VARIABLE]);
  const address = await joinBroker(broker, context);
  return {
    role,
    address,
    registry: builtinTransports(),
    signal: context.signal,
    log: createLogger(role),
    // Programs that started participants of older msgflo wait for this line.
    onStarted: () => context.print(`${role} connected to ${withoutPassword(address)}`),
    ...(isShared ? { isShared } : {}),
    ...(context.processPermits ? { processPermits: context.processPermits } : {}),
    ...(run ? { run } : {}),
    ...(slot ? { slot } : {}),
    ...(period ? { periodMs: periodMsOf(period) } : {}),
  };
}

function slotOption(): Option {
  const description =
    'place among the instances of the role, where MQTT keeps its messages; who has it is closed (without: <role>.1, if free)';
  return new Option('--slot <name>', description).env('MSGFLO_SLOT');
}

export function parseIips(text: string): Readonly<Record<string, unknown>> {
  let iips: unknown;
  try {
    iips = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--iips is not JSON: ${messageOf(error)}`);
  }
  if (iips !== null && typeof iips === 'object' && !Array.isArray(iips))
    return Object.fromEntries(Object.entries(iips));
  throw new UsageError('--iips is an object of data by inport: {"in": 1}');
}

function periodMsOf(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && Number.isFinite(seconds)) return seconds * 1000;
  throw new UsageError(`MSGFLO_DISCOVERY_PERIOD is a number of seconds above 0, not '${text}'`);
}
