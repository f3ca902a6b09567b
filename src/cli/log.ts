import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type Command, Option } from 'commander';
import { MsgfloError, UsageError } from '../errors.js';
import { StoreLockedError } from '../log/index.js';
import { asQueueName, type QueueName } from '../names.js';
import { ONE_SHOT_CONNECT_MS, withBroker } from './broker.js';
import { AlreadyToldError, booleanOption, type CliContext, command, parseQueue } from './command.js';
import { parseRate } from './dead-rate.js';
import { compactLog } from './log-compact.js';
import { dumpTopic } from './log-dump.js';
import { checkIsLog, isGone, type LogFolder, readLogFolder } from './log-folder.js';
import { ByteProgress } from './log-progress.js';
import { parseBound } from './log-range.js';
import { parsePlace, replay } from './log-replay.js';
import { findingLines, type LogReport, logReport, reportLines } from './log-report.js';
import { salvageLog } from './log-salvage.js';
import { readLogState } from './log-state.js';
import { surveyLog } from './log-survey.js';
import { counted, sizeOf } from './log-text.js';
import { jsonLine, printable } from './terminal-text.js';

const HELP = `
inspect: what is in the log: segments, topics, facts; verify: walks every frame, checks checksums, sequences and times,
and lists what is damaged; dump: the records of a topic, one JSON object a line:
  {"id", "topic", "body", "headers"}  body and headers as they are where they are JSON, else in base64, which
                                      "bodyEncoding" and "headersEncoding" tell; no headers: no field
All of these only read, also while a node has the log open; what they tell may be behind it then.

compact: takes back the room of what was dropped and of facts that are past, also where little of a segment is still
needed. The log must not be open; a node that runs does it by itself, when more than half of a segment is waste.
With --salvage, for a damaged log: everything that can be read goes into a new one, under the same ids; an empty record
with the header msgflo-lost stands for each that cannot; the damaged one is kept beside.

replay: sends again what is kept of a queue, oldest first, bytes and headers as they were, through the node of the folder,
which is started for it if none runs. The range ends at the newest message there is when it begins. Each message is
confirmed before the next goes; interrupted, it says where to go on.

--from and --to are an id (1795351795990-7), a time in ms since 1970 or, for dump, :sequence; for replay also a time such
as 2026-11-22T15:00Z, or how long ago (90m). Both belong to the range and neither has to exist. With --reverse the range
begins at its newer end: --from is that one.

Exit code 0: done, and verify found nothing damaged; 1: verify found damage, or dump came to it, or the work was broken
off; 2: a flag or file is wrong. A torn end is no damage: a process was killed before it could answer, and the next start cuts it.

Examples:
  msgflo-log inspect --json | jq '.topics[] | select(.records > 1000) | .topic'
  msgflo-log verify /var/lib/app/log
  msgflo-log dump --topic orders --reverse --limit 10
  msgflo-log dump --topic orders --from 1795351795990 --to :250 | jq .body
  msgflo-log compact /var/lib/app/log
  msgflo-log replay --queue orders --from 2h --rate 50/s --dry-run
  msgflo-log replay --queue orders --from 2026-11-22T09:00Z --to 2026-11-22T10:00Z --into orders.again`;

const ACTIONS = ['inspect', 'verify', 'dump', 'compact', 'replay'] as const;
type Action = (typeof ACTIONS)[number];

interface Options {
  readonly dir?: string;
  readonly json: boolean;
  readonly topic?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly reverse: boolean;
  readonly queue?: QueueName;
  readonly into?: QueueName;
  readonly broker?: string;
  readonly rate: number;
  readonly dryRun: boolean;
  readonly salvage: boolean;
}

const DEFAULT_EVERY_MS = 50;

const ONLY: Readonly<Record<string, readonly Action[]>> = {
  json: ['inspect', 'verify', 'compact', 'replay'],
  topic: ['dump'],
  from: ['dump', 'replay'],
  to: ['dump', 'replay'],
  limit: ['dump', 'replay'],
  reverse: ['dump'],
  queue: ['replay'],
  into: ['replay'],
  broker: ['replay'],
  rate: ['replay'],
  dryRun: ['replay'],
  salvage: ['compact'],
};

/** Segments may be deleted, or compacted, before they are read; so often, after so many ms, it is begun anew. */
const ATTEMPTS = 20;
const LOOK_AGAIN_MS = 25;

/** `msgflo-log`: looks into the files of an embedded log, compacts them, sends again what is kept in them. */
export function log(context: CliContext): Command {
  return command('msgflo-log', 'Look into an embedded log, check it, print records, compact it, replay queues')
    .argument('<action>', ACTIONS.join(', '))
    .argument('[folder]', 'where the log lies', '.msgflo/log')
    .option('--dir <folder>', 'the same as [folder]')
    .addOption(booleanOption('--json', 'inspect, verify, compact: print one JSON object; replay: one a message'))
    .option('--topic <name>', 'dump: of this topic')
    .option('--from <place>', 'dump, replay: from this record on: an id, a time (dump: or :sequence)')
    .option('--to <place>', 'dump, replay: up to this record')
    .option('--limit <n>', 'dump, replay: so many at most', parseLimit)
    .addOption(booleanOption('--reverse', 'dump: the newest first'))
    .option('--queue <name>', 'replay: what was sent to this queue', parseQueue)
    .option('--into <name>', 'replay: send it to this queue (without: to the same)', (name) => queueOf('--into', name))
    .option('--broker <url>', 'replay: of the node at this address, log://host:port (without: that of the folder)')
    .addOption(
      new Option('--rate <n/s>', 'replay: so many a second, or 30/m, 100/h (0 or max: as fast as possible)')
        .default(DEFAULT_EVERY_MS, '20/s')
        .argParser(parseRate),
    )
    .addOption(booleanOption('--salvage', 'compact: make a damaged log one that opens, with all that can be read'))
    .addOption(booleanOption('--dry-run', 'replay: only tell what would be sent'))
    .addHelpText('after', HELP)
    .action(async (word: string, given: string, options: Options, self: Command) => {
      const action = checkOptions(word, self);
      if (options.dir !== undefined && self.args.length > 1)
        throw new UsageError(`the folder is ${given} or, by --dir, ${options.dir}: name it once`);
      await WORK[action](resolve(context.cwd, options.dir ?? given), options, context);
    });
}

type Work = (folder: string, options: Options, context: CliContext) => Promise<void>;

const WORK: Readonly<Record<Action, Work>> = { inspect, verify, dump, compact, replay: replayQueue };

async function compact(folder: string, options: Options, context: CliContext): Promise<void> {
  await (options.salvage ? salvageLog : compactLog)(folder, options, context).catch((error: unknown) => {
    throw error instanceof StoreLockedError ? new LogInUseError(error) : error;
  });
}

class LogInUseError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_LOCKED';
  constructor(cause: StoreLockedError) {
    super(`${cause.message}: stop that process, or wait for it to end, and try again`, { cause });
  }
}

async function replayQueue(folder: string, options: Options, context: CliContext): Promise<void> {
  const { queue, into = queue, from, to, limit, rate, dryRun, json, broker } = options;
  if (queue === undefined || into === undefined) throw new UsageError('--queue says which queue to replay');
  if (from === undefined) throw new UsageError('--from says where to begin: an id, a time, or how long ago (90m)');
  const range = {
    from: parsePlace('--from')(from),
    ...(to === undefined ? {} : { to: parsePlace('--to')(to) }),
    ...(limit === undefined ? {} : { limit }),
  };
  if (broker === undefined) checkIsLog(folder);
  const address = broker ?? nodeAddress(folder);
  await withBroker(address, context, { timeoutMs: ONE_SHOT_CONNECT_MS }, async (client) => {
    await replay(client, { queue, into, range, everyMs: rate, isDryRun: dryRun, json }, context);
  });
}

/** Of the node that serves the log in a folder: it is at home one folder above, or, where it was given that folder, in it. */
function nodeAddress(folder: string): string {
  const above = dirname(folder);
  const isAbove = basename(above) === '.msgflo' || existsSync(join(above, 'broker.json'));
  const home = isAbove && basename(folder) === 'log' ? above : folder;
  return pathToFileURL(home).href.replace(/^file:/, 'log:');
}

async function dump(folder: string, options: Options, context: CliContext): Promise<void> {
  const { topic, limit = Number.POSITIVE_INFINITY, reverse } = options;
  if (topic === undefined) throw new UsageError('--topic says which topic to dump; msgflo-log inspect lists them');
  const from = options.from === undefined ? undefined : parseBound('--from')(options.from);
  const to = options.to === undefined ? undefined : parseBound('--to')(options.to);
  checkIsLog(folder);
  await dumpTopic(folder, { topic, from, to, limit, reverse }, context);
}

async function inspect(folder: string, { json }: Options, context: CliContext): Promise<void> {
  const report = await survey(folder, context);
  if (json) context.print(jsonLine(report));
  else for (const line of reportLines(report)) context.print(line);
}

async function verify(folder: string, { json }: Options, context: CliContext): Promise<void> {
  const report = await survey(folder, context);
  const { openIn, segments, damages, moreDamages, notes } = report;
  const damaged = damages.length + moreDamages;
  const sum = (field: 'used' | 'batches' | 'records'): number => segments.reduce((all, one) => all + one[field], 0);
  const [bytes, batches, records] = [sum('used'), sum('batches'), sum('records')];
  if (json) {
    const counts = { segments: segments.length, bytes, batches, records };
    const isWhole = damaged === 0;
    context.print(jsonLine({ folder, isWhole, openIn, ...counts, damages, moreDamages, notes }));
  } else {
    for (const line of findingLines(damages, notes)) context.print(printable(line));
    if (damaged > 0)
      context.log.warn(
        'msgflo-log compact --salvage makes a log that opens of all that can be read, and tells what is lost',
      );
    const read = `${counted(segments.length, 'segment')}, ${sizeOf(bytes)}, ${counted(batches, 'batch', 'batches')}, ${counted(records, 'record')}`;
    const found = damaged === 0 ? 'nothing is damaged' : counted(damaged, 'damage');
    const listed = moreDamages > 0 ? `, the first ${damages.length} of them listed` : '';
    const behind = openIn === null ? '' : `; open in process ${openIn}: what it wrote meanwhile was not looked at`;
    context.print(`${read}: ${found}${listed}${behind}`);
  }
  if (damaged > 0) throw new AlreadyToldError('damaged');
}

/** Walks everything there is. */
async function survey(folder: string, { signal }: CliContext): Promise<LogReport> {
  for (let attempt = 1; ; attempt++) {
    let progress: ByteProgress | undefined;
    let found: LogFolder | undefined;
    try {
      found = readLogFolder(folder, { holds: true });
      const total = found.segments.reduce((sum, { size }) => sum + size, 0);
      progress = new ByteProgress(total, process.stderr);
      const state = await readLogState(found, signal);
      return logReport(found, state, await surveyLog(found, state, { signal, onBytes: progress.add }));
    } catch (error) {
      if (!isGone(error) || attempt === ATTEMPTS) throw error;
      await delay(LOOK_AGAIN_MS, undefined, { signal });
    } finally {
      progress?.end();
      found?.close();
    }
  }
}

/** @throws {UsageError} for an option that does not go with the action */
function checkOptions(word: string, self: Command): Action {
  const found = ACTIONS.find((one) => one === word);
  if (!found) throw new UsageError(`'${word}' is none of ${ACTIONS.join(', ')}`);
  for (const [name, actions] of Object.entries(ONLY))
    if (self.getOptionValueSource(name) === 'cli' && !actions.includes(found))
      throw new UsageError(`${flagOf(name)} is for ${actions.join(' and ')}, not for ${found}`);
  return found;
}

const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function queueOf(flag: `--${string}`, text: string): QueueName {
  if (text.trim() === '') throw new UsageError(`${flag} is the name of a queue; it is empty`);
  return asQueueName(text);
}

function parseLimit(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1) return count;
  throw new UsageError(`--limit is a whole number from 1, not '${text}'`);
}
