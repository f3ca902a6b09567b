import type { Put, StoreStats } from '../store/store.js';
import type { LogBindings } from './log-bindings.js';
import type { LogClaims } from './log-claims.js';
import type { LogListening } from './log-listening.js';
import type { LogProcessors } from './log-processors.js';
import type { LogProcs } from './log-procs.js';
import type { LogRecords } from './log-records.js';

/** Small facts of those who build on the node, kept in the log beside its own. */
export interface LogFacts {
  get(key: string): string | undefined;
  /** By key. O(all facts of the log). */
  list(prefix: string): readonly (readonly [key: string, value: string])[];
  /** In one batch. Resolves when they are as safe as records. */
  write(puts: readonly Put[], deletes?: readonly string[]): Promise<void>;
}

export interface NodeStats extends StoreStats {
  readonly topics: number;
  readonly procs: number;
  /** Claims that are out. */
  readonly claims: number;
}

/**
 * The log as its clients see it: records by id, procs with claims, bindings. In this process; sockets are the door's.
 *
 * What a call refuses rejects, or throws, as LogError with the plain codes; what the disk refuses as the store's errors.
 * Writes reach the log in the order of the calls, whatever is awaited. Every topic of 1 to 200 characters will do: whether
 * a name or a body is fit for an API is checked at the door (`isTopicName`, `isObjectText`).
 * After close() every call rejects with StoreClosedError.
 */
export interface LogNode extends LogRecords, LogClaims, LogProcs, LogListening, LogProcessors, LogBindings {
  /** Forgets at once what `gc` and `keepMs` say; joins a collection that is running. @returns how many records went */
  collect(): Promise<number>;
  /** Forgets at once what all procs of a topic have acknowledged. @returns how many records went */
  trim(topic: string): Promise<number>;
  readonly facts: LogFacts;
  stats(): NodeStats;
  /** Stops timers and collection, writes which claims are out, closes the store. Idempotent. */
  close(): Promise<void>;
}
