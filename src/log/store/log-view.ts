import { resolve } from 'node:path';
import { silentLogger } from '../../support/index.js';
import { Reader } from './reader.js';
import { recover } from './recovery.js';
import type { LogStore } from './store.js';

/** A log as it was when it was looked at, for reading. What whoever has it open drops later may be gone when it is read. */
export interface LogView extends Pick<LogStore, 'folder' | 'read' | 'sequenceAt' | 'topic' | 'topics'> {
  /** Idempotent. */
  close(): void;
}

/**
 * Looks at the log in a folder. Takes no lock and changes nothing; a torn end is passed over.
 * @throws {CorruptionError} as `openStore`; also when whoever has it open deletes segments at this moment
 */
export function openLogView(folder: string): LogView {
  const state = recover(resolve(folder), silentLogger, 'look');
  const reader = new Reader();
  const topicOf = (name: string) => {
    const log = state.topics.get(name);
    return log && log.last >= 0 ? log : undefined;
  };
  return {
    folder: state.folder,
    read: async (topic, options) => {
      const log = topicOf(topic);
      return log ? await reader.page(log, options) : [];
    },
    sequenceAt: async (topic, timestampMs) => {
      const log = topicOf(topic);
      return log ? await reader.sequenceAt(log, timestampMs) : 0;
    },
    topic: (name) => topicOf(name)?.state,
    topics: () => [...state.topics.values()].filter(({ last }) => last >= 0).map(({ state: shown }) => shown),
    close: () => reader.close(),
  };
}
