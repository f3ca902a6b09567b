import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../support/index.js';
import { fileName, offsetOf } from './format.js';
import { syncFolder } from './segment-file.js';
import { listOf, numberOf, readSidecar, textOf, writeSidecar } from './sidecar.js';
import type { StoreState } from './store-state.js';

/** All facts and topics as they were at one log offset, so that nothing before it has to be read again. */
export interface Checkpoint {
  readonly offset: number;
  readonly lastTimestampMs: number;
  readonly topics: readonly CheckpointTopic[];
  readonly facts: readonly (readonly [key: string, value: string])[];
}

interface CheckpointTopic {
  readonly id: number;
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly lastTimestampMs: number;
}

const KEPT = 2;

/** What is done and visible now. */
export function checkpointOf(state: StoreState): Checkpoint {
  const topics = [...state.topics.values()].filter(({ last }) => last >= 0);
  return {
    offset: state.end,
    lastTimestampMs: state.lastTimestampMs,
    topics: topics.map(({ id, name, first, last, lastTimestampMs }) => ({ id, name, first, last, lastTimestampMs })),
    facts: [...state.facts],
  };
}

/** Stores it and deletes all but the newest two. */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  await writeSidecar(join(folder, fileName(checkpoint.offset, 'ckp')), 'MSGFLOCP', checkpoint);
  syncFolder(folder);
  for (const old of checkpointOffsets(folder).slice(0, -KEPT))
    rmSync(join(folder, fileName(old, 'ckp')), { force: true });
}

/** Ascending. */
export function checkpointOffsets(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => offsetOf(name, 'ckp') ?? [])
    .sort((a, b) => a - b);
}

/** The newest that is whole; undefined when there is none. */
export function readCheckpoint(folder: string, logger: Logger): Checkpoint | undefined {
  for (const offset of checkpointOffsets(folder).reverse()) {
    const file = join(folder, fileName(offset, 'ckp'));
    const content = readSidecar(file, 'MSGFLOCP');
    if (content !== undefined) return decodeCheckpoint(content);
    logger.warn(`${file} is damaged; an older checkpoint is used`);
  }
  return undefined;
}

/** @throws {TypeError} for a content that no checkpoint has */
export function decodeCheckpoint(content: unknown): Checkpoint {
  return {
    offset: numberOf(content, 'offset'),
    lastTimestampMs: numberOf(content, 'lastTimestampMs'),
    topics: listOf(content, 'topics').map((topic) => ({
      id: numberOf(topic, 'id'),
      name: textOf(topic, 'name'),
      first: numberOf(topic, 'first'),
      last: numberOf(topic, 'last'),
      lastTimestampMs: numberOf(topic, 'lastTimestampMs'),
    })),
    facts: listOf(content, 'facts').map((fact) => [textOf(fact, '0'), textOf(fact, '1')]),
  };
}
