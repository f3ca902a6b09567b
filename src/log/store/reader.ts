import { CorruptionError } from './errors.js';
import { FRAME_HEADER_BYTES } from './format.js';
import { type EntryVisitor, frameBytes, frameTimestamp, isIntact, visitEntries } from './frames.js';
import type { Block, Segment } from './segment.js';
import type { ReadOptions, StoredRecord } from './store.js';
import type { TopicLog, TopicPart } from './topic-log.js';

const DEFAULT_MAX_BYTES = 1024 * 1024;
const SMALLEST_READ_BYTES = 64 * 1024;
/** A guess, to read not much more than is wanted. */
const GUESSED_RECORD_BYTES = 512;
const KEPT_OPEN = 64;

/** A record in the block that it was read with; its parts are made when they are asked for. */
class RecordView implements StoredRecord {
  readonly sequence: number;
  readonly timestampMs: number;
  readonly #block: Buffer;
  readonly #headersAt: number;
  readonly #bodyAt: number;
  readonly #end: number;

  constructor(sequence: number, timestampMs: number, block: Buffer, headersAt: number, bodyAt: number, end: number) {
    this.sequence = sequence;
    this.timestampMs = timestampMs;
    this.#block = block;
    this.#headersAt = headersAt;
    this.#bodyAt = bodyAt;
    this.#end = end;
  }

  get body(): Buffer {
    return this.#block.subarray(this.#bodyAt, this.#end);
  }

  get headers(): Buffer {
    return this.#block.subarray(this.#headersAt, this.#bodyAt);
  }
}

/** What one page still takes. */
interface Page {
  readonly topic: TopicLog;
  /** Of the next record. */
  next: number;
  /** The last record wanted. */
  readonly to: number;
  /** Bytes of log that may still be read. */
  left: number;
  readonly records: StoredRecord[];
}

/** Reads records of a topic: from the bytes that were written last, which are in memory, otherwise from the files. */
export class Reader {
  /** Segments with an open file, the one used last at the end. */
  readonly #open: Segment[] = [];

  async page(topic: TopicLog, options: ReadOptions = {}): Promise<readonly StoredRecord[]> {
    const { limit = Number.POSITIVE_INFINITY, maxBytes = DEFAULT_MAX_BYTES, reverse = false } = options;
    if (!(limit > 0)) return [];
    if (reverse) return this.#backward(topic, Math.min(options.from ?? topic.last, topic.last), limit, maxBytes);
    const next = Math.max(options.from ?? topic.first, topic.first);
    const page: Page = { topic, next, to: Math.min(topic.last, next + limit - 1), left: maxBytes, records: [] };
    try {
      await this.#fill(page);
    } catch (error) {
      // What lies before a damage is given; the next page begins with it and throws.
      if (!(error instanceof CorruptionError) || page.records.length === 0) throw error;
    }
    const isOvertaken = page.records.length === 0 && topic.first > next;
    return isOvertaken ? this.page(topic, { ...options, from: topic.first }) : page.records;
  }

  /** Sequence of the first record that is not older than `timestampMs`. */
  async sequenceAt(topic: TopicLog, timestampMs: number): Promise<number> {
    for (;;) {
      const part = topic.parts.find(
        ({ index }) => index.lastTimestampMs >= timestampMs && index.lastSequence >= topic.first,
      );
      if (!part) return topic.last + 1;
      try {
        return await this.#sequenceIn(part, topic, timestampMs);
      } catch (error) {
        if (!part.segment.isGone) throw error;
      }
    }
  }

  async #sequenceIn({ index, segment }: TopicPart, topic: TopicLog, timestampMs: number): Promise<number> {
    let low = 0;
    for (let high = index.length - 1; low < high; ) {
      const middle = (low + high + 1) >>> 1;
      if ((await this.#timestampAt(segment, index.offsetAt(middle))) < timestampMs) low = middle;
      else high = middle - 1;
    }
    let from = Math.max(topic.first, index.sequenceAt(low));
    for (;;) {
      const records = await this.page(topic, { from });
      const found = records.find((record) => record.timestampMs >= timestampMs);
      const last = records.at(-1);
      if (found) return found.sequence;
      if (!last) return Math.min(from, topic.last + 1);
      from = last.sequence + 1;
    }
  }

  forget(segment: Segment): void {
    const at = this.#open.indexOf(segment);
    if (at !== -1) this.#open.splice(at, 1);
    segment.closeReader();
  }

  close(): void {
    for (const segment of this.#open.splice(0)) segment.closeReader();
  }

  async #backward(topic: TopicLog, from: number, limit: number, maxBytes: number): Promise<readonly StoredRecord[]> {
    const index = from < topic.first ? undefined : topic.partFor(from)?.index;
    if (!index) return [];
    const lowest = Math.max(topic.first, from - limit + 1, index.firstSequence);
    let entry = index.entryFor(from);
    const nearest = index.offsetAt(entry);
    while (entry > 0 && index.sequenceAt(entry) > lowest && nearest - index.offsetAt(entry - 1) < maxBytes) entry--;
    const next = Math.max(lowest, index.sequenceAt(entry));
    const page: Page = { topic, next, to: from, left: Number.POSITIVE_INFINITY, records: [] };
    await this.#fill(page);
    return page.records.reverse();
  }

  async #fill(page: Page): Promise<void> {
    const { topic } = page;
    while (page.next <= page.to && (page.left > 0 || page.records.length === 0)) {
      if (page.next < topic.first && page.records.length > 0) return;
      page.next = Math.max(page.next, topic.first);
      if (page.next > page.to) return;
      const segment = topic.partFor(page.next)?.segment;
      try {
        await this.#fillPart(page);
      } catch (error) {
        // Dropped meanwhile, and its segment is gone; or it is in another segment now.
        if (page.next >= topic.first && !segment?.isGone) throw error;
      }
    }
  }

  async #fillPart(page: Page): Promise<void> {
    const { topic } = page;
    const part = topic.partFor(page.next);
    if (!part) throw new CorruptionError(topic.name, 0, `record ${page.next} is in no segment`);
    const { segment, index } = part;
    const { hint } = topic;
    const entry = index.offsetAt(index.entryFor(page.next));
    const isHinted = hint?.segment === segment && hint.sequence === page.next && hint.offset > entry;
    await this.#fillFrom(segment, isHinted ? hint.offset : entry, Math.min(page.to, index.lastSequence), page);
  }

  /** Takes records up to `to` from one segment, until the page is full. */
  async #fillFrom(segment: Segment, from: number, to: number, page: Page): Promise<void> {
    let offset = from;
    let wanted = this.#guess(page);
    while (page.next <= to) {
      if (offset >= segment.end) throw new CorruptionError(segment.path, offset, `record ${page.next} is missing`);
      const block = await this.#block(segment, offset, wanted);
      const end = takeFrames(segment, block, offset, to, page);
      if (end === offset && page.next <= to) {
        wanted = this.#frameBytesAt(segment, block, offset);
        continue;
      }
      page.left -= end - offset;
      offset = end;
      wanted = this.#guess(page);
      if (page.left <= 0 && page.records.length > 0) break;
    }
    page.topic.hint = { segment, sequence: page.next, offset };
  }

  #guess({ left, next, to }: Page): number {
    return Math.max(SMALLEST_READ_BYTES, Math.min(left, DEFAULT_MAX_BYTES, (to - next + 1) * GUESSED_RECORD_BYTES));
  }

  /** How much is needed for the frame that a block has only a part of. */
  #frameBytesAt(segment: Segment, block: Block, offset: number): number {
    const at = offset - block.start;
    const bytes = block.length - at < FRAME_HEADER_BYTES ? undefined : frameBytes(block.view, at);
    if (bytes === undefined || bytes <= block.length - at || offset + bytes > segment.end)
      throw new CorruptionError(segment.path, offset, 'no frame begins here');
    return bytes;
  }

  #block(segment: Segment, offset: number, wanted: number): Block | Promise<Block> {
    if (this.#open.at(-1) !== segment) {
      const at = this.#open.indexOf(segment);
      if (at !== -1) this.#open.splice(at, 1);
      this.#open.push(segment);
      if (this.#open.length > KEPT_OPEN) this.#open.shift()?.closeReader();
    }
    return segment.block(offset, wanted);
  }

  async #timestampAt(segment: Segment, offset: number): Promise<number> {
    const block = await this.#block(segment, offset, FRAME_HEADER_BYTES);
    return frameTimestamp(block.view, offset - block.start);
  }
}

/**
 * Takes what the block has of the topic, frame by frame. @returns the offset of the first frame that is not whole, or not
 * wanted any more
 */
function takeFrames(segment: Segment, block: Block, from: number, to: number, page: Page): number {
  const { bytes, view, start, length, isOwn } = block;
  const { topic, records } = page;
  let at = from - start;
  let frame = 0;
  let timestampMs = 0;
  let isChecked = isOwn;
  let hasMore = false;
  const visitor: EntryVisitor = {
    record(id, sequence, headersAt, headersBytes, bodyBytes) {
      if (id !== topic.id || sequence < page.next) return;
      if (sequence > to) {
        hasMore = true;
        return;
      }
      if (!isChecked && !isIntact(view, at, frame))
        throw new CorruptionError(segment.path, start + at, 'the checksum of the frame is wrong');
      isChecked = true;
      if (sequence !== page.next)
        throw new CorruptionError(segment.path, start + at, `record ${page.next} of '${topic.name}' is missing`);
      const bodyAt = headersAt + headersBytes;
      records.push(new RecordView(sequence, timestampMs, bytes, headersAt, bodyAt, bodyAt + bodyBytes));
      page.next = sequence + 1;
    },
  };
  while (page.next <= to && at + FRAME_HEADER_BYTES <= length) {
    const found = frameBytes(view, at);
    if (found === undefined) throw new CorruptionError(segment.path, start + at, 'no frame begins here');
    if (at + found > length) break;
    frame = found;
    timestampMs = frameTimestamp(view, at);
    isChecked = isOwn;
    if (!visitEntries(bytes, view, at, frame, visitor))
      throw new CorruptionError(segment.path, start + at, 'its entries do not fit the frame');
    if (hasMore) break;
    at += frame;
  }
  return start + at;
}
