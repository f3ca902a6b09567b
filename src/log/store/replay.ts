import type { Checkpoint } from './checkpoint.js';
import { CorruptionError } from './errors.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import type { ScannedFrame } from './frame-scan.js';
import { frameTimestamp, visitEntries } from './frames.js';
import type { StoredIndex } from './index-file.js';
import type { Segment } from './segment.js';
import { SparseIndex } from './sparse-index.js';
import type { StoreState } from './store-state.js';
import type { TopicLog } from './topic-log.js';

/** Puts the state together again: from a checkpoint, indexes and frames, in the order of the log. */
export class Replay {
  readonly #state: StoreState;
  /** Log offset from which on facts are to be read. */
  readonly #factsFrom: number;

  constructor(state: StoreState, checkpoint: Checkpoint | undefined) {
    this.#state = state;
    this.#factsFrom = checkpoint?.offset ?? 0;
    if (!checkpoint) return;
    state.lastTimestampMs = checkpoint.lastTimestampMs;
    for (const [key, value] of checkpoint.facts) state.facts.set(key, value);
    for (const { id, name, first, last, lastTimestampMs } of checkpoint.topics) {
      const topic = state.topics.restored(id, name);
      if (!topic) throw new CorruptionError(state.folder, 0, `its checkpoint names topic ${id} twice`);
      Object.assign(topic, { first, last, lastTimestampMs });
    }
  }

  /** Where reading has to begin when an index knows all frames before `indexed`. */
  firstUnknown({ base, end }: Segment, indexed: number): number {
    return Math.min(indexed, Math.max(SEGMENT_HEADER_BYTES, Math.min(end, this.#factsFrom - base)));
  }

  addIndex(segment: Segment, { topics }: StoredIndex): void {
    for (const { id, name, index } of topics) {
      const topic = this.#topic(segment, SEGMENT_HEADER_BYTES, id, name);
      topic.parts.push({ segment, index });
      segment.indexes.set(id, index);
      this.#seen(topic, index.lastSequence, index.lastTimestampMs);
    }
  }

  /** @param isNew its records are in no index yet */
  frame(segment: Segment, frame: ScannedFrame, isNew: boolean): void {
    const { buffer, view, at, bytes, offset } = frame;
    const timestampMs = frameTimestamp(view, at);
    const { facts, topics } = this.#state;
    const hasFacts = segment.base + offset >= this.#factsFrom;
    let counted = at;
    const fits = visitEntries(buffer, view, at, bytes, {
      topic: (id, name) => void this.#topic(segment, offset, id, name),
      record: (id, sequence, headersAt, headersBytes, bodyBytes) => {
        const end = headersAt + headersBytes + bodyBytes;
        const topic = topics.byId(id);
        if (!topic) throw new CorruptionError(segment.path, offset, `topic ${id} has no name`);
        if (isNew) this.#addRecord(segment, topic, { sequence, offset, timestampMs, bytes: end - counted });
        counted = end;
      },
      put: (key, value) => hasFacts && facts.set(key, value),
      delete: (key) => hasFacts && facts.delete(key),
      drop: (id, before) => topics.byId(id)?.dropBefore(before),
    });
    if (!fits) throw new CorruptionError(segment.path, offset, 'its entries do not fit the frame');
    this.#state.lastTimestampMs = Math.max(this.#state.lastTimestampMs, timestampMs);
  }

  /** @throws {CorruptionError} when records that were not dropped are nowhere */
  finish(): void {
    for (const topic of this.#state.topics.values()) {
      let expected = topic.first;
      for (const { index } of topic.parts)
        if (index.firstSequence <= expected) expected = Math.max(expected, index.lastSequence + 1);
      if (expected <= topic.last)
        throw new CorruptionError(this.#state.folder, 0, `record ${expected} of topic '${topic.name}' is missing`);
      topic.rollBack();
      this.#state.lastTimestampMs = Math.max(this.#state.lastTimestampMs, topic.lastTimestampMs);
    }
  }

  #addRecord(
    segment: Segment,
    topic: TopicLog,
    record: {
      readonly sequence: number;
      readonly offset: number;
      readonly timestampMs: number;
      readonly bytes: number;
    },
  ): void {
    const { sequence, offset, timestampMs, bytes } = record;
    let index = segment.indexes.get(topic.id);
    if (!index) {
      index = new SparseIndex({ sequence, timestampMs });
      segment.indexes.set(topic.id, index);
      topic.parts.push({ segment, index });
    } else if (sequence !== index.lastSequence + 1)
      throw new CorruptionError(
        segment.path,
        offset,
        `record ${sequence} of '${topic.name}' follows ${index.lastSequence}`,
      );
    index.add(sequence, offset, timestampMs, bytes);
    this.#seen(topic, sequence, timestampMs);
  }

  #seen(topic: TopicLog, lastSequence: number, lastTimestampMs: number): void {
    if (lastSequence <= topic.last) return;
    topic.last = lastSequence;
    topic.lastTimestampMs = lastTimestampMs;
  }

  #topic(segment: Segment, offset: number, id: number, name: string): TopicLog {
    const topic = this.#state.topics.restored(id, name);
    if (!topic) throw new CorruptionError(segment.path, offset, `topic ${id} has two names, one of them '${name}'`);
    return topic;
  }
}
