import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { messageOf, UsageError } from '../errors.js';
import type { QueueName } from '../names.js';
import { brokerOption, managementOption } from './broker.js';
import { booleanOption, parseQueue, repeatable, secondsOption } from './command.js';
import { parseRate } from './dead-rate.js';
import type { RedriveOptions } from './dead-redrive.js';
import { parseDuration } from './duration.js';

/** What can be done with dead letters. */
export const ACTIONS = ['list', 'show', 'redrive', 'drop'] as const;
export type Action = (typeof ACTIONS)[number];

export interface DeadOptions {
  readonly broker?: string;
  readonly management: string;
  readonly role?: string;
  readonly port?: string;
  readonly queue: readonly string[];
  readonly where: readonly string[];
  readonly limit: number;
  readonly wait: number;
  readonly json: boolean;
  readonly body: boolean;
  readonly dryRun: boolean;
  readonly rate: number;
  readonly canary: number;
  readonly canaryWait: number;
  readonly edit?: string;
  readonly unsure: RedriveOptions['unsure'];
  readonly all: boolean;
}

/** Options that mean nothing to the other actions, which refuse them. */
const ONLY: Readonly<Partial<Record<keyof DeadOptions, readonly Action[]>>> = {
  body: ['list'],
  dryRun: ['redrive', 'drop'],
  rate: ['redrive'],
  canary: ['redrive'],
  canaryWait: ['redrive'],
  edit: ['redrive'],
  unsure: ['redrive'],
  all: ['drop'],
};

const DEFAULT_EVERY_MS = 50;
const DEFAULT_CANARY_WAIT_MS = 30_000;

/** All of `msgflo-dead`, with their defaults. */
export function withDeadOptions(command: Command): Command {
  const unsure = new Option(
    '--unsure <what>',
    'redrive: what may have been sent before a crash is: skip, send or drop',
  );
  return command
    .addOption(brokerOption())
    .addOption(managementOption())
    .option('--role <role>', 'dead letters of the inports of this role (without: of all)')
    .option('--port <inport>', 'of the inports of this name only')
    .addOption(
      repeatable('--queue <inqueue>', 'of this inqueue, whoever it belongs to (several: give it several times)'),
    )
    .addOption(repeatable('--where <field=text>', 'those only whose field has the text (several: all have to)'))
    .addOption(
      new Option('--limit <n>', 'so many at most, the oldest of each inqueue first')
        .default(Number.POSITIVE_INFINITY, 'all')
        .argParser(countOf('--limit', 1)),
    )
    .addOption(secondsOption('--wait <seconds>', 'how long to listen for participants after calling the roll', 2))
    .addOption(booleanOption('--json', 'print one JSON object a line'))
    .addOption(booleanOption('--body', 'list --json: with the payload; show has it always'))
    .addOption(booleanOption('--dry-run', 'redrive, drop: only tell what would be done'))
    .addOption(
      new Option('--rate <n/s>', 'redrive: so many a second, or 30/m, 100/h (0 or max: as fast as possible)')
        .default(DEFAULT_EVERY_MS, '20/s')
        .argParser(parseRate),
    )
    .option(
      '--canary <n>',
      'redrive: so many of each inqueue go first, and what becomes of them decides',
      countOf('--canary', 0),
      0,
    )
    .addOption(
      new Option('--canary-wait <duration>', 'redrive: how long to wait for that')
        .default(DEFAULT_CANARY_WAIT_MS, '30s')
        .argParser(waitOf),
    )
    .option('--edit <file.json>', 'redrive: send the JSON of this file in place of the payload; for one letter only')
    .addOption(unsure.choices(['skip', 'send', 'drop']).default('skip'))
    .addOption(booleanOption('--all', 'drop: everything, when nothing else says which'));
}

/** @throws {UsageError} for an option that does not go with the action, or with another option */
export function checkOptions(action: string, options: DeadOptions, command: Command): Action {
  const found = ACTIONS.find((one) => one === action);
  if (!found) throw new UsageError(`'${action}' is none of ${ACTIONS.join(', ')}`);
  for (const [name, actions] of Object.entries(ONLY)) {
    const isGiven = command.getOptionValueSource(name) === 'cli';
    if (isGiven && !actions.includes(found))
      throw new UsageError(`${flagOf(name)} is for ${actions.join(' and ')}, not for ${found}`);
  }
  const { role, port, queue, where, all, body, json } = options;
  if (body && !json) throw new UsageError('--body goes with --json; show prints payloads for people');
  if (queue.length > 0 && (role !== undefined || port !== undefined))
    throw new UsageError('--queue names an inqueue by itself: it does not go with --role or --port');
  const isAnyNamed = queue.length + where.length > 0 || role !== undefined || port !== undefined;
  if (found === 'drop' && !isAnyNamed && !all)
    throw new UsageError('say which to drop: --role, --port, --queue or --where, or --all for everything');
  return found;
}

/** The payload that a file gives. @throws {UsageError} when it cannot be read, or is no JSON */
export async function readEdit(path: string): Promise<Buffer> {
  try {
    return Buffer.from(JSON.stringify(JSON.parse(await readFile(path, 'utf8'))));
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new UsageError(`--edit ${path}: ${isAbsent ? 'there is no such file' : messageOf(error)}`);
  }
}

export function queuesOf({ queue }: DeadOptions): QueueName[] {
  return [...new Set(queue.map(parseQueue))];
}

const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const waitOf = (text: string): number => parseDuration('--canary-wait', text);

function countOf(flag: `--${string}`, least: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (text.trim() !== '' && Number.isInteger(count) && count >= least) return count;
    throw new UsageError(`${flag} is a whole number from ${least}, not '${text}'`);
  };
}
