import { dirname, join } from 'node:path';
import { fileName } from './format.js';
import type { Segment } from './segment.js';
import { listOf, numberOf, readSidecar, textOf, writeSidecar } from './sidecar.js';
import { SparseIndex } from './sparse-index.js';
import type { TopicTable } from './topic-log.js';

/** What an index file knows: all frames before `end`. */
export interface StoredIndex {
  readonly base: number;
  readonly end: number;
  readonly topics: readonly { readonly id: number; readonly name: string; readonly index: SparseIndex }[];
}

export async function writeIndex(segment: Segment, topics: TopicTable): Promise<void> {
  const listed = [...segment.indexes].map(([id, index]) => ({
    id,
    name: topics.byId(id)?.name ?? '',
    firstSequence: index.firstSequence,
    lastSequence: index.lastSequence,
    firstTimestampMs: index.firstTimestampMs,
    lastTimestampMs: index.lastTimestampMs,
    bytes: index.bytes,
    pairs: encodePairs(index.pairs),
  }));
  await writeSidecar(indexPath(segment), 'MSGFLOIX', { base: segment.base, end: segment.end, topics: listed });
  segment.isIndexed = true;
}

/** Undefined when there is none that can be trusted: the segment has to be read. */
export function readIndex(segment: Segment): StoredIndex | undefined {
  const content = readSidecar(indexPath(segment), 'MSGFLOIX');
  return content === undefined ? undefined : decodeIndex(content);
}

/** @throws {TypeError} for a content that no index has */
export function decodeIndex(content: unknown): StoredIndex {
  const topics = listOf(content, 'topics').map((topic) => ({
    id: numberOf(topic, 'id'),
    name: textOf(topic, 'name'),
    index: SparseIndex.restore({
      firstSequence: numberOf(topic, 'firstSequence'),
      lastSequence: numberOf(topic, 'lastSequence'),
      firstTimestampMs: numberOf(topic, 'firstTimestampMs'),
      lastTimestampMs: numberOf(topic, 'lastTimestampMs'),
      bytes: numberOf(topic, 'bytes'),
      pairs: decodePairs(textOf(topic, 'pairs')),
    }),
  }));
  return { base: numberOf(content, 'base'), end: numberOf(content, 'end'), topics };
}

export function indexPath(segment: Segment): string {
  return join(dirname(segment.path), fileName(segment.base, 'idx'));
}

function encodePairs(pairs: Uint32Array): string {
  const bytes = Buffer.alloc(pairs.length * 4);
  for (const [at, value] of pairs.entries()) bytes.writeUInt32LE(value, at * 4);
  return bytes.toString('base64');
}

function decodePairs(text: string): Uint32Array {
  const bytes = Buffer.from(text, 'base64');
  return Uint32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32LE(at * 4));
}
