import { LogError, type LogNode, recordId, splitSource } from '../log/index.js';
import type { QueueName } from '../names.js';
import type { EngineRange, EngineRecord } from './engine.js';
import { EngineRefusedError } from './errors.js';

/** What the log still has of what came to a queue, a page at a time. @throws {EngineRefusedError} not-found */
export async function* browse(
  node: LogNode,
  queue: QueueName,
  { from = '', to = '', limit = 0 }: EngineRange = {},
): AsyncGenerator<readonly EngineRecord[], void, undefined> {
  try {
    for await (const page of node.pages(queue, { start: from, end: to, limit }))
      yield page.map(({ sequence, timestampMs, body, headers }) => ({
        id: recordId(timestampMs, sequence),
        timestampMs,
        body,
        headers: splitSource(headers).headers,
      }));
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'invalid_topic') throw error;
    throw new EngineRefusedError('not-found', queue, 'nothing was ever sent there');
  }
}
