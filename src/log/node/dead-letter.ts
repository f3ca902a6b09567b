import type { NewRecord, StoredRecord } from '../store/store.js';
import type { DeadLetterFacts } from './node-options.js';

/** The record as it was under `body`, and beside it why it lies here. Bodies are JSON text, so they need no parsing. */
export function deadLetterOf(record: StoredRecord, facts: DeadLetterFacts): Pick<NewRecord, 'body' | 'headers'> {
  const { reason, proc, attempts, id } = facts;
  const head = JSON.stringify({ reason, proc, attempts, id }).slice(0, -1);
  return {
    body: Buffer.concat([Buffer.from(`${head},"body":`), record.body, Buffer.from('}')]),
    headers: record.headers,
  };
}
