import type { LogFolder } from './log-folder.js';
import { walkSegment } from './log-walk.js';

/** What puts, deletes and drops come to at the end of a log. */
export interface LogState {
  readonly facts: ReadonlyMap<string, string>;
  /** By topic, the sequence of the oldest record that was not dropped, where it is not the first. */
  readonly firsts: ReadonlyMap<string, number>;
}

/** Takes the newest checkpoint and reads what came after it. */
export async function readLogState(log: LogFolder, signal: AbortSignal): Promise<LogState> {
  const { checkpoint, segments } = log;
  const facts = new Map(checkpoint?.facts);
  const names = new Map(checkpoint?.topics.map(({ id, name }) => [id, name]));
  const firsts = new Map(checkpoint?.topics.map(({ name, first }) => [name, first]));
  const offset = checkpoint?.offset ?? 0;
  for (const segment of segments) {
    if (segment.base + segment.size <= offset) continue;
    const begins = Math.max(0, offset - segment.base);
    await walkSegment(segment, {
      ...{ log, signal },
      ...(begins > 0 ? { from: begins } : {}),
      onPart: (part) => {
        if (part.state !== 'whole') return;
        for (const entry of part.entries) {
          if (entry.kind === 'topic') names.set(entry.id, entry.name);
          else if (entry.kind === 'put') facts.set(entry.key, entry.value);
          else if (entry.kind === 'delete') facts.delete(entry.key);
          else if (entry.kind === 'drop') {
            const name = names.get(entry.topic) ?? '';
            firsts.set(name, Math.max(firsts.get(name) ?? 0, entry.beforeSequence));
          }
        }
      },
    });
  }
  return { facts, firsts };
}
