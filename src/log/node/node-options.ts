import type { NewRecord, StoredRecord } from '../store/store.js';
import type { NodeClock } from './clock.js';

/** What a dead letter is made from. */
export interface DeadLetterFacts {
  readonly reason: string;
  readonly proc: string;
  /** How often it was given out. */
  readonly attempts: number;
  readonly id: string;
}

export interface LogNodeOptions {
  /** Collection of old records and, with it, compaction of segments of which little is needed. @default off */
  readonly gc?: {
    /** How old a record must be to go. @default 30000 */
    readonly minPruneTimeMs?: number;
    /** @default 30000 */
    readonly intervalMs?: number;
    /**
     * Of the log on disk: when it is larger, the oldest records go whatever their age, down to what a proc may still want
     * and what lies in the segment that is written to. @default no bound
     */
    readonly maxBytes?: number;
  };
  /** Topics whose records go after so many milliseconds, read or not. @default none */
  readonly keepMs?: Readonly<Record<string, number>>;
  /**
   * False: records that nobody needs are not kept. Of topics that no proc reads only the copies are stored, and ids say
   * nothing; what all procs of a topic have acknowledged goes soon. @default true
   */
  readonly history?: boolean;
  /** Makes the body and headers of a dead letter. @default `{reason, proc, attempts, id, body}`, headers as they were */
  readonly deadLetter?: (record: StoredRecord, facts: DeadLetterFacts) => Pick<NewRecord, 'body' | 'headers'>;
  /** @default the machine's */
  readonly clock?: NodeClock;
  /** Told what goes wrong while nobody waits for an answer. */
  readonly onError?: (error: unknown, during: string) => void;
}
