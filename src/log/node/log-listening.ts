import type { NewRecord } from '../store/store.js';

/** Takes a listener away again. Idempotent. */
export type Unsubscribe = () => void;

/** Being told instead of asking again and again. */
export interface LogListening {
  /**
   * Tells of a proc that may have work: a claim is worth a try. Told at once if it has, then whenever something was
   * committed, came back or was acknowledged; many such things of one turn are told once. The proc need not exist yet.
   */
  onWork(proc: string, listener: () => void): Unsubscribe;
  /** Resolves when one of these procs has work. @throws the signal's reason */
  nextWork(procs: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Tells the newest sequence of a topic whenever there are new records; once for many of one turn. */
  onRecords(topic: string, listener: (lastSequence: number) => void): Unsubscribe;
  /** Tells of each record of a topic as it was committed, copies too, once it is safe. In the turn of the commit: be quick. */
  onCommit(topic: string, listener: (record: NewRecord) => void): Unsubscribe;
}
