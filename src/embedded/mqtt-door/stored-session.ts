import { isRecord } from '../../support/index.js';

/** What is remembered of a session that outlives its connection. */
export interface StoredSession {
  /** Filters with the QoS granted. */
  readonly filters: readonly (readonly [string, number])[];
  /** When somebody used it last, in ms since 1970. */
  readonly usedAtMs: number;
}

export function readStoredSession(value: unknown): StoredSession | undefined {
  if (!isRecord(value)) return undefined;
  const { filters, usedAtMs } = value;
  if (!Array.isArray(filters) || typeof usedAtMs !== 'number') return undefined;
  const read = filters.flatMap((entry: unknown): readonly (readonly [string, number])[] => {
    if (!Array.isArray(entry)) return [];
    const [filter, qos]: readonly unknown[] = entry;
    return typeof filter === 'string' && typeof qos === 'number' ? [[filter, qos]] : [];
  });
  return { filters: read, usedAtMs };
}
