import { isRecord } from '../../support/index.js';
import type { ProcState } from '../node/log-procs.js';
import { LogCallError } from './errors.js';
import type { Id, Rec } from './pipe-proc.js';

/** Readers of what a node answers: its own side has checked it, so they look at the outermost only. */

/** Key of the claim in what a proc gave; programs and `JSON.stringify` do not see it. */
const CLAIM = 'claim';

export function readId(data: unknown): Id {
  if (typeof data !== 'string') throw surprise();
  return data;
}

export function readIds(data: unknown): Id[] {
  if (!Array.isArray(data) || !data.every((id) => typeof id === 'string')) throw surprise();
  return data;
}

export function readNumber(data: unknown): number {
  if (typeof data !== 'number') throw surprise();
  return data;
}

export function readRecords(data: unknown): Rec[] {
  if (!Array.isArray(data)) throw surprise();
  return data as Rec[];
}

export function readState(data: unknown): ProcState {
  if (!isRecord(data)) throw surprise();
  return data as unknown as ProcState;
}

export function readStates(data: unknown): ProcState[] {
  if (!Array.isArray(data)) throw surprise();
  return data as ProcState[];
}

/** What a proc gave: one record as an object, several as an array, with the claim's token on it. */
export interface ReadClaim {
  readonly name: string;
  readonly token: string | undefined;
  readonly log: Rec | Rec[];
}

export function readClaim(data: unknown): ReadClaim | null {
  if (data === null) return null;
  if (!isRecord(data) || typeof data['name'] !== 'string') throw surprise();
  const records = readRecords(data['records']);
  const [first] = records;
  const log = first && records.length === 1 ? first : records;
  Object.defineProperty(log, CLAIM, { value: data['claim'] });
  const token = typeof data['claim'] === 'string' ? data['claim'] : undefined;
  return { name: data['name'], token, log };
}

/** @throws {LogCallError} */
export function readAckCommit(data: unknown): { readonly ackedLogId: string; readonly ids: Id[] } {
  if (!isRecord(data)) throw surprise();
  return { ackedLogId: readId(data['ackedLogId']), ids: readIds(data['ids']) };
}

function surprise(): LogCallError {
  return new LogCallError('unknown_error', 'the node answered something else than was asked');
}
