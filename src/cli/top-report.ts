import type { InletFigures } from '../coordinator/index.js';
import { DURATION_BOUNDS_MS, type Durations } from '../discovery/index.js';
import type { ParticipantId, PortName, QueueName, Role } from '../names.js';

/** A duration that half of the messages, and 99 of 100, stayed below; in ms. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** An inport, its queue, and what is done there; what nobody tells is absent. */
export interface TopRow extends InletFigures {
  /** Dead letters, and attempts that failed and were repeated, since its participants started. */
  readonly dead?: number;
  readonly deadPerSecond?: number;
  readonly retried?: number;
  /** Of the messages since the reading before, or of all where there were none. */
  readonly waitMs?: Quantiles;
  readonly workMs?: Quantiles;
  /** Participants of the role that are heard. */
  readonly instances: number;
}

export interface LostParticipant {
  readonly role: Role;
  readonly id: ParticipantId;
  readonly component: string;
}

export interface TopReport {
  readonly time: string;
  readonly rows: readonly TopRow[];
  /** Participants that are gone, or silent for too long, with nobody in their place. */
  readonly lost: readonly LostParticipant[];
  /** Messages that the broker says it dropped since we look on, and what it said last. */
  readonly brokerLosses: { readonly messages: number; readonly last?: string };
  /** What cannot be known here, and what is wrong just now. */
  readonly notes: readonly string[];
}

export const SORTS = ['ready', 'in', 'out', 'role'] as const;
export type Sort = (typeof SORTS)[number];

export interface TopView {
  readonly sort: Sort;
  /** Names, with `*` for any characters; empty: all. */
  readonly roles: readonly string[];
  readonly queues: readonly string[];
}

/** The rows that somebody wants to see, in their order: the highest figure first, then by name. */
export function viewed(report: TopReport, { sort, roles, queues }: TopView): TopReport {
  const isWanted = (role: Role): boolean => roles.length === 0 || roles.some((pattern) => fits(pattern, role));
  const isQueueWanted = (queue: QueueName): boolean =>
    queues.length === 0 || queues.some((pattern) => fits(pattern, queue));
  const rows = report.rows.filter(({ role, queue }) => isWanted(role) && isQueueWanted(queue));
  const lost = report.lost.filter(({ role }) => isWanted(role));
  return { ...report, rows: rows.sort((a, b) => figureOf(b, sort) - figureOf(a, sort) || byName(a, b)), lost };
}

function figureOf(row: TopRow, sort: Sort): number {
  const figures = { ready: row.ready, in: row.inPerSecond, out: row.outPerSecond, role: 0 };
  return figures[sort] ?? -1;
}

function byName(a: { readonly role: Role; readonly port: PortName }, b: typeof a): number {
  return a.role.localeCompare(b.role) || a.port.localeCompare(b.port);
}

function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
}

/** Of the durations that came since `before`, or of all if none did; undefined where there are none at all. */
export function quantilesOf(now: Durations | undefined, before: Durations | undefined): Quantiles | undefined {
  if (!now) return undefined;
  const since = now.counts.map((count, at) => Math.max(0, count - (before?.counts[at] ?? 0)));
  const counts = since.some((count) => count > 0) ? since : now.counts;
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  return { p50: quantile(counts, total * 0.5), p99: quantile(counts, total * 0.99) };
}

/** Within its class as if all were spread evenly there; what is above the last bound is that bound at least. */
function quantile(counts: readonly number[], rank: number): number {
  let below = 0;
  for (const [at, count] of counts.entries()) {
    const upper = DURATION_BOUNDS_MS[at];
    const lower = DURATION_BOUNDS_MS[at - 1] ?? 0;
    if (upper === undefined) return lower;
    if (below + count >= rank && count > 0) return lower + ((upper - lower) * (rank - below)) / count;
    below += count;
  }
  return DURATION_BOUNDS_MS.at(-1) ?? 0;
}
