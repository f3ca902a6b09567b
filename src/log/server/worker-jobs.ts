import { isRecord } from '../../support/index.js';

/** What goes between a node and its workers. */

/** One execution of a processor. */
export interface Job {
  readonly job: number;
  /** What `import()` takes. */
  readonly processor: string;
  /** JSON of the list of records. */
  readonly records: string;
}

/** `outputs`: JSON of each body that is to be committed; `error`: it failed, nothing is to be committed. */
export interface JobResult {
  readonly job: number;
  readonly outputs: readonly string[];
  readonly error?: string | undefined;
}

/** Undefined for what is none. */
export function readJob(message: unknown): Job | undefined {
  if (!isRecord(message)) return undefined;
  const { job, processor, records } = message;
  const isJob = typeof job === 'number' && typeof processor === 'string' && typeof records === 'string';
  return isJob ? { job, processor, records } : undefined;
}

/** Undefined for what is none: a processor may have a channel to its parent of its own. */
export function readResult(message: unknown): JobResult | undefined {
  if (!isRecord(message)) return undefined;
  const { job, outputs, error } = message;
  if (typeof job !== 'number' || !Array.isArray(outputs)) return undefined;
  return {
    job,
    outputs: outputs.filter((output) => typeof output === 'string'),
    error: typeof error === 'string' ? error : undefined,
  };
}
