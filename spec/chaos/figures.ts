import type { FaultKind } from './faults.js';
import type { Ledger } from './ledger.js';
import type { BrokerName, Remains } from './servers.js';
import type { Memory } from './stage.js';

/** How long after faults of a kind the next message came through the affected way. */
export interface Recovery {
  readonly kind: FaultKind;
  readonly times: number;
  readonly p50Ms: number;
  readonly maxMs: number;
}

/** What came of a run. */
export interface Report {
  readonly broker: BrokerName;
  readonly seed: number;
  readonly seconds: number;
  readonly rate: number;
  /** Messages whose send was begun, and those for which it was confirmed. */
  readonly begun: number;
  readonly sent: number;
  /** Confirmed numbers that never arrived. */
  readonly lost: readonly number[];
  readonly duplicated: number;
  /** Between two arrivals, while there was load. */
  readonly longestStallMs: number;
  readonly recoveries: readonly Recovery[];
  readonly remains: Remains;
  readonly memory: { readonly start: Memory; readonly end: Memory };
  readonly stateBytes: { readonly start: number; readonly end: number };
  /** Broken promises, in words; what was lost is among them unless this broker, used like this, promises nothing. */
  readonly faulty: readonly string[];
  /** Where ledgers and output are, kept when something was found. */
  readonly folder?: string;
}

interface Findings {
  readonly options: Pick<Report, 'broker' | 'seed' | 'seconds' | 'rate'>;
  readonly recoveries: readonly { readonly kind: FaultKind; readonly ms: number | undefined }[];
  /** Between which moments there was load, in ms since 1970. */
  readonly loadMs: readonly [number, number];
  readonly remains: Remains;
  readonly memory: Report['memory'];
  readonly stateBytes: Report['stateBytes'];
  readonly faulty: readonly string[];
  /** Loss is a figure, not a fault. */
  readonly isLossTold: boolean;
}

/** A process that grew by no more than this is flat: garbage is collected late. */
const FLAT_MIB = 48;
/** Records of participants that lived and bindings: bounded, whatever happens. */
const STATE_BYTES = 128 * 1024;

export function figuresOf(ledger: Ledger, findings: Findings): Report {
  const { options, recoveries, loadMs, remains, memory, stateBytes, isLossTold } = findings;
  const { broker, seed, seconds, rate } = options;
  const lost = ledger.missing();
  const faulty = [...findings.faulty];
  if (lost.length > 0 && !isLossTold) faulty.push(`${lost.length} of ${ledger.confirmed.size} messages were lost`);
  if (remains.waiting > 0) faulty.push(`${remains.waiting} messages wait: ${remains.where.join('; ')}`);
  if (remains.deadLetters > 0) faulty.push(`${remains.deadLetters} dead letters`);
  const { doubledBetweenQueues = 0 } = remains;
  if (doubledBetweenQueues > 0) faulty.push(`${doubledBetweenQueues} messages were doubled between queues`);
  for (const part of ['keeper', 'coordinator'] as const) {
    const grown = memory.end[part] - memory.start[part];
    if (grown > FLAT_MIB) faulty.push(`the ${part} grew by ${grown} MiB`);
  }
  if (stateBytes.end > STATE_BYTES) faulty.push(`.msgflo holds ${stateBytes.end} bytes`);
  return {
    broker,
    seed,
    seconds,
    rate,
    begun: ledger.begun.size,
    sent: ledger.confirmed.size,
    lost,
    duplicated: ledger.duplicates,
    longestStallMs: ledger.longestStallMs(...loadMs),
    recoveries: summed(recoveries),
    remains,
    memory,
    stateBytes,
    faulty,
  };
}

function summed(recoveries: Findings['recoveries']): readonly Recovery[] {
  return [...new Set(recoveries.map(({ kind }) => kind))].sort().map((kind) => {
    const times = recoveries.filter((one) => one.kind === kind).map(({ ms = Number.POSITIVE_INFINITY }) => ms);
    times.sort((a, b) => a - b);
    const middle = times[Math.floor((times.length - 1) / 2)] ?? 0;
    return { kind, times: times.length, p50Ms: middle, maxMs: times.at(-1) ?? 0 };
  });
}

/** The report as a table for people. */
export function tableOf(report: Report): string {
  const { memory, stateBytes, remains, recoveries } = report;
  const rows: readonly (readonly [string, string | number])[] = [
    ['broker', report.broker],
    ['seed', report.seed],
    ['sent and confirmed', report.sent],
    ['lost', report.lost.length],
    ['arrived again (duplicates)', report.duplicated],
    ['longest stall, ms', report.longestStallMs],
    ...recoveries.map(
      ({ kind, times, p50Ms, maxMs }) =>
        [`recovery, ms, p50 / max: ${kind} (${times})`, `${p50Ms} / ${maxMs}`] as const,
    ),
    ['left in queues / dead letters', `${remains.waiting} / ${remains.deadLetters}`],
    ['keeper, MiB, start / end', `${memory.start.keeper} / ${memory.end.keeper}`],
    ['coordinator, MiB, start / end', `${memory.start.coordinator} / ${memory.end.coordinator}`],
    ['state files, bytes, start / end', `${stateBytes.start} / ${stateBytes.end}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}
