import type { NewRecord } from '../store/store.js';
import { LogError } from './log-error.js';

const MAX_NAME_CHARS = 200;
/** Procs of inqueues are named after their topics, which may be as long. */
export const INQUEUE = 'in:';
/** Leaves room for the log's own facts in a batch of the store. */
export const MAX_COMMIT_BYTES = 63 * 1024 * 1024;
const RECORD_BYTES = 64;
const SPACE = /^[ \t\r\n]$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether a topic has a name as an API takes it; queues of a transport may have any. */
export function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9_-]+$/.test(name);
}

/** Whether a body begins as an object or an array does: as much as can be told without parsing it. */
export function isObjectText(body: Uint8Array): boolean {
  let at = 0;
  while (at < body.length && SPACE.test(String.fromCharCode(body[at] ?? 0))) at++;
  return body[at] === 0x7b || body[at] === 0x5b;
}

/** @throws {LogError} invalid_topic_format */
export function checkTopic(topic: string): void {
  if (topic.length === 0 || topic.length > MAX_NAME_CHARS)
    throw new LogError('invalid_topic_format', `a topic has 1 to ${MAX_NAME_CHARS} characters, got ${topic.length}`);
  if (topic.includes('\0')) throw new LogError('invalid_topic_format', 'a topic has no NUL in its name');
}

/** @throws {LogError} invalid_proc_name */
export function checkProcName(name: string): void {
  const room = name.startsWith(INQUEUE) ? INQUEUE.length : 0;
  if (name.length === 0 || name.length > MAX_NAME_CHARS + room || CONTROL.test(name))
    throw new LogError('invalid_proc_name', `a proc's name has 1 to ${MAX_NAME_CHARS} characters, none of control`);
}

/** What the store would refuse is refused before: a batch that came so far does not fail alone. @throws {LogError} */
export function checkRecords(records: readonly NewRecord[]): void {
  if (records.length === 0) throw new LogError('invalid_log_format', 'a commit has at least one record');
  for (const { topic } of records) checkTopic(topic);
  checkSize(records);
}

/** What a record takes in a batch, at most. */
export function bytesOf({ topic, body, headers }: NewRecord): number {
  return body.length + (headers?.length ?? 0) + RECORD_BYTES + 3 * topic.length;
}

/** @throws {LogError} commit_too_large */
function checkSize(records: readonly NewRecord[]): void {
  let bytes = 0;
  for (const record of records) bytes += bytesOf(record);
  if (bytes > MAX_COMMIT_BYTES)
    throw new LogError('commit_too_large', `a commit has at most ${MAX_COMMIT_BYTES} bytes, got ${bytes}`);
}
