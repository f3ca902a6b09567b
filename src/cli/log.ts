import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { AlreadyToldError, booleanOption, type CliContext, command } from './command.js';
import { dumpTopic } from './log-dump.js';
import { checkIsLog, isGone, type LogFolder, readLogFolder } from './log-folder.js';
import { ByteProgress } from './log-progress.js';
import { type Bound, parseBound } from './log-range.js';
import { findingLines, type LogReport, logReport, reportLines } from './log-report.js';
import { readLogState } from './log-state.js';
import { surveyLog } from './log-survey.js';
import { counted, sizeOf } from './log-text.js';
import { jsonLine, printable } from './terminal-text.js';

const HELP = `
inspect: what is in the log: segments, topics, facts; verify: walks every frame, checks checksums, sequences and times,
and lists what is damaged; dump: the records of a topic, one JSON object a line:
  {"id", "topic", "body", "headers"}  body and headers as they are where they are JSON, else in base64, which
                                      "bodyEncoding" and "headersEncoding" tell; no headers: no field
All of them only read, also while a node has the log open; what they tell may be behind it then.

--from and --to are an id (1795351795990-7), a time in ms since 1970 or :sequence; both belong to the range and neither
has to exist. With --reverse the range begins at its newer end: --from is that one.

Exit code 0: done, and verify found nothing damaged; 1: verify found damage, or dump came to it; 2: misused. A torn end is
no damage: a process was killed before it could answer, and the next start cuts it.

Examples:
  msgflo-log inspect --json | jq '.topics[] | select(.records > 1000) | .topic'
  msgflo-log verify /var/lib/app/log
  msgflo-log dump --topic orders --reverse --limit 10
  msgflo-log dump --topic orders --from 1795351795990 --to :250 | jq .body`;

const ACTIONS = ['inspect', 'verify', 'dump'] as const;
type Action = (typeof ACTIONS)[number];

interface Options {
  readonly json: boolean;
  readonly topic?: string;
  readonly from?: Bound;
  readonly to?: Bound;
  readonly limit: number;
  readonly reverse: boolean;
}

const ONLY: Readonly<Record<string, readonly Action[]>> = {
  json: ['inspect', 'verify'],
  topic: ['dump'],
  from: ['dump'],
  to: ['dump'],
  limit: ['dump'],
  reverse: ['dump'],
};

/** Segments may be deleted before they are read; so often it is begun anew. */
const ATTEMPTS = 20;

/** `msgflo-log`: looks into the files of an embedded log. */
export function log(context: CliContext): Command {
  return command('msgflo-log', 'Look into the files of an embedded log, check them, print records')
    .argument('<action>', ACTIONS.join(', '))
    .argument('[folder]', 'where the log lies', '.msgflo/log')
    .addOption(booleanOption('--json', 'inspect, verify: print one JSON object'))
    .option('--topic <name>', 'dump: of this topic')
    .option('--from <place>', 'dump: from this record on: an id, ms or :sequence', parseBound('--from'))
    .option('--to <place>', 'dump: up to this record', parseBound('--to'))
    .option('--limit <n>', 'dump: so many at most', parseLimit, Number.POSITIVE_INFINITY)
    .addOption(booleanOption('--reverse', 'dump: the newest first'))
    .addHelpText('after', HELP)
    .action(async (word: string, given: string, options: Options, self: Command) => {
      const action = checkOptions(word, self);
      const folder = resolve(context.cwd, given);
      if (action === 'dump') await dump(folder, options, context);
      else if (action === 'inspect') await inspect(folder, options, context);
      else await verify(folder, options, context);
    });
}

async function dump(folder: string, options: Options, context: CliContext): Promise<void> {
  const { topic, from, to, limit, reverse } = options;
  if (topic === undefined) throw new UsageError('--topic says which topic to dump; msgflo-log inspect lists them');
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
    try {
      const found: LogFolder = readLogFolder(folder);
      const total = found.segments.reduce((sum, { size }) => sum + size, 0);
      progress = new ByteProgress(total, process.stderr);
      const state = await readLogState(found, signal);
      return logReport(found, state, await surveyLog(found, state, { signal, onBytes: progress.add }));
    } catch (error) {
      if (!isGone(error) || attempt === ATTEMPTS) throw error;
    } finally {
      progress?.end();
    }
  }
}

/** @throws {UsageError} for an option that does not go with the action */
function checkOptions(word: string, self: Command): Action {
  const found = ACTIONS.find((one) => one === word);
  if (!found) throw new UsageError(`'${word}' is none of ${ACTIONS.join(', ')}`);
  for (const [name, actions] of Object.entries(ONLY))
    if (self.getOptionValueSource(name) === 'cli' && !actions.includes(found))
      throw new UsageError(`--${name} is for ${actions.join(' and ')}, not for ${found}`);
  return found;
}

function parseLimit(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1) return count;
  throw new UsageError(`--limit is a whole number from 1, not '${text}'`);
}
