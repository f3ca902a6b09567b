import { mkdirSync } from 'node:fs';
import { writeCheckpoint } from './checkpoint.js';

/** A topic that has no records yet, and the sequence of its first one. */
export interface TopicSeed {
  readonly topic: string;
  readonly nextSequence: number;
}

/** Makes a new folder a log without records whose topics begin to count where they are told to. @throws when it is there */
export async function seedStore(folder: string, seeds: readonly TopicSeed[]): Promise<void> {
  mkdirSync(folder, { mode: 0o700 });
  const topics = seeds.map(({ topic, nextSequence }, at) => ({
    ...{ id: at + 1, name: topic, first: nextSequence, last: nextSequence - 1, lastTimestampMs: 0 },
  }));
  await writeCheckpoint(folder, { offset: 0, lastTimestampMs: 0, topics, facts: [] });
}
