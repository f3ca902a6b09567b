import { printable } from './terminal-text.js';
import type { Quantiles, TopReport, TopRow } from './top-report.js';

interface Column {
  readonly title: string;
  readonly cell: (row: TopRow) => string;
  readonly isText?: boolean;
  /** The highest goes first where there is no room. */
  readonly spare: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'ROLE', cell: ({ role }) => role, isText: true, spare: 0 },
  { title: 'PORT', cell: ({ port }) => port, isText: true, spare: 0 },
  { title: 'QUEUE', cell: ({ queue }) => queue, isText: true, spare: 6 },
  { title: 'READY', cell: ({ ready, damage }) => `${count(ready)}${damage === undefined ? '' : '!'}`, spare: 0 },
  { title: 'UNACKED', cell: ({ unacked }) => count(unacked), spare: 1 },
  { title: 'CONSUMERS', cell: ({ consumers }) => count(consumers), spare: 5 },
  { title: 'IN/S', cell: ({ inPerSecond }) => rate(inPerSecond), spare: 0 },
  { title: 'OUT/S', cell: ({ outPerSecond }) => rate(outPerSecond), spare: 0 },
  { title: 'DEAD', cell: ({ dead }) => count(dead), spare: 2 },
  { title: 'DEAD/S', cell: ({ deadPerSecond }) => rate(deadPerSecond), spare: 7 },
  { title: 'RETRIED', cell: ({ retried }) => count(retried), spare: 4 },
  { title: 'WAIT p50/p99', cell: ({ waitMs }) => quantiles(waitMs), spare: 3 },
  { title: 'WORK p50/p99', cell: ({ workMs }) => quantiles(workMs), spare: 3 },
  { title: 'INSTANCES', cell: ({ instances }) => count(instances), spare: 5 },
];

/** Names are cut at so many characters, so that one of them does not push out all figures. */
const MAX_NAME = 40;

const NOTHING = 'no inport to show: nobody has announced one, or none of those asked for';

/** A report as lines to read, none longer than `width`: the queues, then which are damaged, who is lost and what the broker dropped. */
export function topTable(report: TopReport, width = Infinity): string[] {
  const { rows, lost, brokerLosses, notes } = report;
  const table = rows.length > 0 ? tableOf(rows, width) : [NOTHING];
  const { messages, last } = brokerLosses;
  const damaged = rows.flatMap(({ queue, damage }) =>
    damage === undefined ? [] : wrapped(`${queue}: ${damage}`, width),
  );
  return [
    ...table,
    ...(damaged.length > 0 ? ['', 'DAMAGED (msgflo-log compact --salvage mends it)'] : []),
    ...damaged,
    ...(lost.length > 0 ? ['', 'LOST'] : []),
    ...lost.map(({ role, component, id }) => `${role} (${component}), the last was ${id}`),
    ...(messages > 0 ? ['', `THE BROKER DROPPED ${messages} MESSAGES`, last ?? ''] : []),
    ...(notes.length > 0 ? [''] : []),
    ...notes,
  ].map((line) => cut(printable(line), width));
}

function tableOf(rows: readonly TopRow[], width: number): string[] {
  let columns = COLUMNS.map((column) => {
    const cells = rows.map((row) => cut(printable(column.cell(row)), MAX_NAME));
    return { ...column, cells, width: Math.max(column.title.length, ...cells.map(({ length }) => length)) };
  });
  const total = (): number => columns.reduce((sum, column) => sum + column.width + 2, -2);
  while (total() > width) {
    const most = Math.max(...columns.map(({ spare }) => spare));
    if (most === 0) break;
    const last = columns.findLastIndex(({ spare }) => spare === most);
    columns = columns.filter((_, at) => at !== last);
  }
  const lineOf = (cellOf: (column: (typeof columns)[number]) => string): string =>
    columns
      .map((column) => (column.isText ? cellOf(column).padEnd(column.width) : cellOf(column).padStart(column.width)))
      .join('  ');
  return [lineOf(({ title }) => title), ...rows.map((_, at) => lineOf(({ cells }) => cells[at] ?? ''))];
}

const count = (value: number | undefined): string => (value === undefined ? '-' : String(value));

function rate(value: number | undefined): string {
  if (value === undefined) return '-';
  return value >= 100 || value === 0 ? String(Math.round(value)) : value.toFixed(1);
}

function quantiles(value: Quantiles | undefined): string {
  return value === undefined ? '-' : `${duration(value.p50)}/${duration(value.p99)}`;
}

function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)}ms`;
  return ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}

/** All of it: what it ends with is what matters. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += width) lines.push(text.slice(at, at + width));
  return lines;
}

const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
