import { FORMAT_VERSION } from '../log/index.js';
import type { Finding } from './log-findings.js';
import type { LogFolder } from './log-folder.js';
import type { LogState } from './log-state.js';
import type { LogSurvey } from './log-survey.js';
import { counted, sizeOf, timeOf } from './log-text.js';
import { columns, printable } from './terminal-text.js';

/** All that `inspect` tells. Its JSON is this. */
export interface LogReport extends LogSurvey {
  readonly folder: string;
  readonly formatVersion: number;
  /** The process that has it open; `null` when nobody has. */
  readonly openIn: number | null;
  /** Somebody writes while this is read. */
  readonly mayBeBehind: boolean;
  /** Keys up to their first slash. */
  readonly facts: readonly { readonly family: string; readonly keys: number; readonly bytes: number }[];
  /** The newest first. */
  readonly checkpoints: readonly {
    readonly file: string;
    readonly bytes: number;
    /** Log offset; `null` when it is damaged. */
    readonly offset: number | null;
    readonly facts: number;
  }[];
}

export function logReport(log: LogFolder, { facts }: LogState, survey: LogSurvey): LogReport {
  return {
    folder: log.folder,
    formatVersion: FORMAT_VERSION,
    openIn: log.openIn ?? null,
    mayBeBehind: log.openIn !== undefined,
    ...survey,
    facts: families(facts),
    checkpoints: log.checkpoints.map(({ file, bytes, content }) => ({
      ...{ file, bytes },
      offset: content?.offset ?? null,
      facts: content?.facts.length ?? 0,
    })),
  };
}

/** The same for people. */
export function reportLines(report: LogReport): string[] {
  const { folder, formatVersion, openIn, checkpoints, damages, moreDamages, notes, segments } = report;
  const used = segments.reduce((sum, one) => sum + one.used, 0);
  const size = segments.reduce((sum, one) => sum + one.size, 0);
  const newest = checkpoints.find(({ offset }) => offset !== null);
  const lines = [
    `log:         ${folder}, format version ${formatVersion}`,
    `open:        ${openIn === null ? 'no' : `in process ${openIn}, so this may be behind`}`,
    `size:        ${counted(segments.length, 'segment')}, ${sizeOf(used)} used of ${sizeOf(size)}`,
    `checkpoint:  ${newest ? `at log offset ${newest.offset}, with ${counted(newest.facts, 'fact')}` : 'none'}`,
    ...section(segmentRows(report)),
    ...section(topicRows(report)),
    ...section(factRows(report)),
    ...(damages.length + notes.length > 0 ? ['', ...findingLines(damages, notes)] : []),
    ...(moreDamages > 0 ? [`and ${counted(moreDamages, 'damage')} more`] : []),
  ];
  return lines.map(printable);
}

/** One line for each place. */
export function findingLines(damages: readonly Finding[], notes: readonly Finding[]): string[] {
  const line = (word: string, { file, offset, bytes, text }: Finding): string => {
    const length = bytes === undefined ? '' : ` (${counted(bytes, 'byte')})`;
    return `${word} ${file} at byte ${offset}${length}: ${text}`;
  };
  return [...damages.map((found) => line('damaged:', found)), ...notes.map((found) => line('note:   ', found))];
}

function segmentRows({ segments }: LogReport): string[][] {
  const titles = ['SEGMENT', 'OFFSET', 'SIZE', 'USED', 'BATCHES', 'RECORDS', 'FIRST', 'LAST', 'INDEX'];
  const rows = segments.map((segment) => [
    String(segment.number ?? '?'),
    String(segment.base),
    sizeOf(segment.size),
    sizeOf(segment.used),
    String(segment.batches),
    String(segment.records),
    timeOf(segment.firstTimestampMs),
    timeOf(segment.lastTimestampMs),
    segment.index,
  ]);
  return rows.length === 0 ? [] : [titles, ...rows];
}

function topicRows({ topics }: LogReport): string[][] {
  const rows = topics.map((topic) => [
    topic.topic,
    String(topic.records),
    sizeOf(topic.bytes),
    topic.records === 0 ? '-' : String(topic.firstSequence),
    String(topic.lastSequence),
    timeOf(topic.firstTimestampMs),
    timeOf(topic.lastTimestampMs),
  ]);
  return rows.length === 0 ? [] : [['TOPIC', 'RECORDS', 'BYTES', 'FROM', 'TO', 'FIRST', 'LAST'], ...rows];
}

function factRows({ facts }: LogReport): string[][] {
  const rows = facts.map(({ family, keys, bytes }) => [family, String(keys), sizeOf(bytes)]);
  return rows.length === 0 ? [] : [['FACTS', 'KEYS', 'BYTES'], ...rows];
}

function section(rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', ...columns(rows)];
}

function families(facts: ReadonlyMap<string, string>): LogReport['facts'] {
  const found = new Map<string, { keys: number; bytes: number }>();
  for (const [key, value] of facts) {
    const family = key.slice(0, key.indexOf('/') + 1) || 'other';
    const sums = found.get(family) ?? { keys: 0, bytes: 0 };
    sums.keys += 1;
    sums.bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    found.set(family, sums);
  }
  return [...found].map(([family, sums]) => ({ family, ...sums })).sort((a, b) => (a.family < b.family ? -1 : 1));
}
