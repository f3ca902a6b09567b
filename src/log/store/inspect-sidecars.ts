import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkpointOffsets, decodeCheckpoint } from './checkpoint.js';
import { fileName } from './format.js';
import { decodeIndex } from './index-file.js';
import { readSidecar } from './sidecar.js';

/** What an index says of its segment: all frames before `end`. */
export interface RawIndex {
  readonly end: number;
  readonly topics: readonly { readonly name: string; readonly firstSequence: number; readonly lastSequence: number }[];
}

/** All that was before the log offset `offset`, but for the records. */
export interface RawCheckpoint {
  readonly offset: number;
  readonly topics: readonly {
    readonly id: number;
    readonly name: string;
    /** Sequence of the oldest record that was not dropped, and of the newest one ever. */
    readonly first: number;
    readonly last: number;
    readonly lastTimestampMs: number;
  }[];
  readonly facts: readonly (readonly [key: string, value: string])[];
}

export interface CheckpointFile {
  readonly file: string;
  readonly bytes: number;
  /** Undefined when it is not what was written. */
  readonly content: RawCheckpoint | undefined;
}

/** The index of a segment file; `damaged` and `missing` ones can be made again. */
export function segmentIndex(segmentFile: string): RawIndex | 'damaged' | 'missing' {
  const file = segmentFile.replace(/seg$/, 'idx');
  if (!existsSync(file)) return 'missing';
  try {
    const content = readSidecar(file, 'MSGFLOIX');
    if (content === undefined) return 'damaged';
    const { base, end, topics } = decodeIndex(content);
    if (join(dirname(file), fileName(base, 'idx')) !== file) return 'damaged';
    return {
      end,
      topics: topics.map(({ name, index: { firstSequence, lastSequence } }) => ({ name, firstSequence, lastSequence })),
    };
  } catch {
    return 'damaged';
  }
}

/** The checkpoints of a folder, the newest first. */
export function checkpointFiles(folder: string): readonly CheckpointFile[] {
  return checkpointOffsets(folder)
    .reverse()
    .flatMap((offset) => {
      const file = join(folder, fileName(offset, 'ckp'));
      const bytes = statSync(file, { throwIfNoEntry: false })?.size;
      return bytes === undefined ? [] : [{ file, bytes, content: contentOf(file) }];
    });
}

function contentOf(file: string): RawCheckpoint | undefined {
  try {
    const content = readSidecar(file, 'MSGFLOCP');
    return content === undefined ? undefined : decodeCheckpoint(content);
  } catch {
    return undefined;
  }
}
