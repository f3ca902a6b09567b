import { crc32c } from './crc32c.js';
import {
  DELETE_ENTRY_BYTES,
  DROP_ENTRY_BYTES,
  ENTRY,
  FLAG_SYNCED_BEFORE,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  FRAME_PREFIX_BYTES,
  MAX_FRAME_BYTES,
  PUT_ENTRY_BYTES,
  RECORD_ENTRY_BYTES,
  setUint48,
  TOPIC_ENTRY_BYTES,
  viewOf,
} from './format.js';
import type { Group } from './group.js';
import type { Chunk, Segment } from './segment.js';
import { SparseIndex } from './sparse-index.js';
import type { Batch, NewRecord } from './store.js';
import type { TopicLog, TopicTable } from './topic-log.js';

/** A batch and what only the store itself writes. */
export interface WholeBatch extends Batch {
  readonly drops?: readonly (readonly [topic: TopicLog, beforeSequence: number])[];
}

const CHUNK_BYTES = 256 * 1024;
/** Of what was written last, for readers close behind. */
const KEPT_BYTES = 2 * 1024 * 1024;
const SPARE_CHUNKS = 8;
const NO_RECORDS: readonly NewRecord[] = [];
const NO_SEQUENCES: readonly number[] = [];

/**
 * Bytes of the frame for a batch, without the names of topics; 0 for a batch of nothing.
 * @throws {RangeError} for a key or a batch of a wrong size
 */
export function measure(batch: WholeBatch): number {
  let bytes = FRAME_HEADER_BYTES;
  for (const { body, headers } of batch.records ?? NO_RECORDS)
    bytes += RECORD_ENTRY_BYTES + body.length + (headers?.length ?? 0);
  if (batch.puts)
    for (const { key, value } of batch.puts) bytes += PUT_ENTRY_BYTES + keyBytes(key) + Buffer.byteLength(value);
  if (batch.deletes) for (const key of batch.deletes) bytes += DELETE_ENTRY_BYTES + keyBytes(key);
  if (batch.drops) bytes += batch.drops.length * DROP_ENTRY_BYTES;
  checkSize(bytes);
  return bytes === FRAME_HEADER_BYTES ? 0 : bytes;
}

function keyBytes(key: string): number {
  const bytes = Buffer.byteLength(key);
  if (bytes === 0 || bytes > 65_535) throw new RangeError(`a key has 1 to 65,535 bytes, this one has ${bytes}`);
  return bytes;
}

function checkSize(bytes: number): void {
  if (bytes > MAX_FRAME_BYTES) throw new RangeError(`a batch has at most ${MAX_FRAME_BYTES} bytes, this one ${bytes}`);
}

/** Writes frames into chunks behind one another and gives records their sequences. */
export class Encoder {
  readonly #topics: TopicTable;
  #segment: Segment;
  #chunk: Chunk | undefined;
  /** Used before and free: fresh memory costs more than filling it. */
  readonly #spare: Chunk[] = [];
  #end: number;

  constructor(topics: TopicTable, segment: Segment) {
    this.#topics = topics;
    this.#segment = segment;
    this.#end = segment.end;
  }

  get segment(): Segment {
    return this.#segment;
  }

  /** Where the next frame begins. */
  get end(): number {
    return this.#end;
  }

  /** Goes on in another segment, or again at the end of what is done in this one. */
  place(segment: Segment): void {
    this.#segment = segment;
    this.#end = segment.end;
    this.#chunk = undefined;
  }

  /**
   * Puts a batch of `bytes` bytes, as measured, into the group. @returns the sequences of its records
   * @throws {RangeError} for a topic of a wrong size, or when names make the batch too large; nothing has changed then
   */
  encode(group: Group, batch: WholeBatch, bytes: number, timestampMs: number): readonly number[] {
    const records = batch.records ?? NO_RECORDS;
    const room = bytes + this.#namesFor(records);
    checkSize(room);
    const chunk = this.#room(room);
    const { bytes: buffer, view } = chunk;
    const frame = chunk.used;
    let sequences: number[] | undefined;
    let entries = 0;
    let at = frame + FRAME_HEADER_BYTES;
    let counted = frame;
    let topic: TopicLog | undefined;
    for (const record of records) {
      if (topic?.name !== record.topic) topic = this.#topics.need(record.topic);
      if (topic.namedIn !== this.#segment) {
        topic.namedIn = this.#segment;
        at = encodeTopic(chunk, at, topic);
        entries++;
      }
      at = encodeRecord(chunk, at, topic.id, topic.nextSequence, record);
      const sequence = this.#next(topic, group, timestampMs, at - counted);
      if (sequences) sequences.push(sequence);
      else sequences = [sequence];
      counted = at;
      entries++;
    }
    for (const { key, value } of batch.puts ?? []) {
      const keyLength = buffer.write(key, at + PUT_ENTRY_BYTES);
      const valueLength = buffer.write(value, at + PUT_ENTRY_BYTES + keyLength);
      view.setUint8(at, ENTRY.put);
      view.setUint16(at + 1, keyLength, true);
      view.setUint32(at + 3, valueLength, true);
      at += PUT_ENTRY_BYTES + keyLength + valueLength;
      entries++;
      group.puts.push([key, value]);
    }
    for (const key of batch.deletes ?? []) {
      const length = buffer.write(key, at + DELETE_ENTRY_BYTES);
      view.setUint8(at, ENTRY.delete);
      view.setUint16(at + 1, length, true);
      at += DELETE_ENTRY_BYTES + length;
      entries++;
      group.puts.push([key, undefined]);
    }
    for (const [dropped, before] of batch.drops ?? []) {
      view.setUint8(at, ENTRY.drop);
      view.setUint32(at + 1, dropped.id, true);
      setUint48(view, at + 5, before);
      at += DROP_ENTRY_BYTES;
      entries++;
      group.drops.push([dropped, before]);
    }
    view.setUint32(frame + 4, at - frame - FRAME_PREFIX_BYTES, true);
    view.setUint8(frame + 8, FRAME_KIND);
    view.setUint8(frame + 9, 0);
    setUint48(view, frame + 10, timestampMs);
    view.setUint32(frame + 16, entries, true);
    this.#include(group, chunk, frame, at);
    return sequences ?? NO_SEQUENCES;
  }

  /** Gives back the oldest chunks of a segment: those that are done and beyond what is kept for readers. */
  trim({ chunks, end }: Segment): void {
    let kept = chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
    while (kept > KEPT_BYTES) {
      const oldest = chunks[0];
      if (!oldest || oldest.start + oldest.used > end) return;
      if (chunks.length === 1 && oldest.bytes.length <= CHUNK_BYTES) return;
      kept -= oldest.bytes.length;
      chunks.shift();
      const isFree = !oldest.isShared && oldest !== this.#chunk && oldest.bytes.length === CHUNK_BYTES;
      if (isFree && this.#spare.length < SPARE_CHUNKS) this.#spare.push(oldest);
    }
  }

  #include(group: Group, chunk: Chunk, from: number, to: number): void {
    if (group.bytes === 0) group.firstFrameBytes = to - from;
    else chunk.view.setUint32(from, crc32c(chunk.view, from + 4, to), true);
    const last = group.pieces.at(-1);
    if (last?.chunk === chunk) last.to = to;
    else group.pieces.push({ chunk, from, to });
    chunk.used = to;
    group.bytes += to - from;
    this.#end += to - from;
  }

  /** Room that the names of topics may need; counted again for each record of a new topic, which is seldom and harmless. */
  #namesFor(records: readonly NewRecord[]): number {
    let bytes = 0;
    let topic: TopicLog | undefined;
    for (const record of records) {
      if (topic?.name !== record.topic) topic = this.#topics.need(record.topic);
      else continue;
      if (topic.namedIn !== this.#segment) bytes += TOPIC_ENTRY_BYTES + topic.nameBytes.length;
    }
    return bytes;
  }

  /** Gives the next sequence to a record of so many bytes. */
  #next(topic: TopicLog, group: Group, timestampMs: number, bytes: number): number {
    const sequence = topic.nextSequence++;
    topic.nextTimestampMs = timestampMs;
    if (topic.group !== group) {
      topic.group = group;
      group.topics.push(topic);
    }
    let part = topic.parts.at(-1);
    if (part?.segment !== this.#segment) {
      part = { segment: this.#segment, index: new SparseIndex({ sequence, timestampMs }) };
      topic.parts.push(part);
      this.#segment.indexes.set(topic.id, part.index);
    }
    part.index.add(sequence, this.#end, timestampMs, bytes);
    return sequence;
  }

  #room(bytes: number): Chunk {
    if (this.#chunk && this.#chunk.used + bytes <= this.#chunk.bytes.length) return this.#chunk;
    const spare = bytes <= CHUNK_BYTES ? this.#spare.pop() : undefined;
    const buffer = spare?.bytes ?? Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.#chunk = { bytes: buffer, view: spare?.view ?? viewOf(buffer), start: this.#end, used: 0, isShared: false };
    this.#segment.chunks.push(this.#chunk);
    return this.#chunk;
  }
}

/** Sets flags and checksum of a group's first frame, once it is known what lies on disk before it. */
export function finishFirstFrame(group: Group, isSyncedBefore: boolean): void {
  const piece = group.pieces[0];
  if (!piece) return;
  const { view } = piece.chunk;
  view.setUint8(piece.from + 9, isSyncedBefore ? FLAG_SYNCED_BEFORE : 0);
  view.setUint32(piece.from, crc32c(view, piece.from + 4, piece.from + group.firstFrameBytes), true);
}

function encodeTopic({ bytes, view }: Chunk, at: number, { id, nameBytes }: TopicLog): number {
  view.setUint8(at, ENTRY.topic);
  view.setUint32(at + 1, id, true);
  view.setUint16(at + 5, nameBytes.length, true);
  bytes.set(nameBytes, at + TOPIC_ENTRY_BYTES);
  return at + TOPIC_ENTRY_BYTES + nameBytes.length;
}

function encodeRecord({ bytes, view }: Chunk, at: number, topic: number, sequence: number, record: NewRecord): number {
  const { body, headers } = record;
  const headersLength = headers?.length ?? 0;
  const headersAt = at + RECORD_ENTRY_BYTES;
  view.setUint8(at, ENTRY.record);
  view.setUint32(at + 1, topic, true);
  setUint48(view, at + 5, sequence);
  view.setUint32(at + 11, headersLength, true);
  view.setUint32(at + 15, body.length, true);
  if (headers) bytes.set(headers, headersAt);
  bytes.set(body, headersAt + headersLength);
  return headersAt + headersLength + body.length;
}
