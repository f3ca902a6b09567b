import type { Segment } from './segment.js';
import type { SparseIndex } from './sparse-index.js';
import type { TopicState } from './store.js';

/** Where a topic's records lie in one segment. */
export interface TopicPart {
  readonly segment: Segment;
  readonly index: SparseIndex;
}

/** One topic: what is done and visible, and, ahead of it, what commits on their way have been given. */
export class TopicLog {
  readonly id: number;
  readonly name: string;
  readonly nameBytes: Buffer;
  /** In order. The last one may have records that are not done yet; readers stop at `last`. */
  readonly parts: TopicPart[] = [];
  first = 0;
  last = -1;
  lastTimestampMs = 0;
  /** For the next record that is encoded. */
  nextSequence = 0;
  nextTimestampMs = 0;
  /** The segment that has the name of this topic in it already, as far as was encoded. */
  namedIn: Segment | undefined;
  /** The newest group with records of this topic. */
  group: object | undefined;
  /** Where the record after the last one read begins: readers go on from there. */
  hint: { readonly segment: Segment; readonly sequence: number; readonly offset: number } | undefined;

  constructor(id: number, name: string, nameBytes: Buffer = Buffer.from(name)) {
    this.id = id;
    this.name = name;
    this.nameBytes = nameBytes;
  }

  get state(): TopicState {
    const { name, first, last, lastTimestampMs } = this;
    return {
      topic: name,
      firstSequence: first,
      lastSequence: last,
      lastTimestampMs,
      length: last - first + 1,
    };
  }

  /** The part with a record that was not dropped; undefined when it is in none. */
  partFor(sequence: number): TopicPart | undefined {
    let low = 0;
    let high = this.parts.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.parts[middle]?.index.lastSequence ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    const part = this.parts[low];
    return part && part.index.firstSequence <= sequence && part.index.lastSequence >= sequence ? part : undefined;
  }

  /** Everything below goes; the last sequence stays what it is. */
  dropBefore(sequence: number): void {
    this.first = Math.max(this.first, Math.min(sequence, this.last + 1));
  }

  /** Forgets what was encoded and is not done. */
  rollBack(): void {
    this.nextSequence = this.last + 1;
    this.nextTimestampMs = this.lastTimestampMs;
    this.namedIn = undefined;
    this.group = undefined;
    this.hint = undefined;
    for (let part = this.parts.at(-1); part && part.index.lastSequence > this.last; part = this.parts.at(-1)) {
      if (part.index.firstSequence > this.last) {
        this.parts.pop();
        part.segment.indexes.delete(this.id);
      } else part.index.cutAfter(this.last, this.lastTimestampMs);
    }
  }
}

/** All topics, by name and by number. */
export class TopicTable {
  readonly #byName = new Map<string, TopicLog>();
  readonly #byId = new Map<number, TopicLog>();
  #nextId = 1;

  get(name: string): TopicLog | undefined {
    return this.#byName.get(name);
  }

  byId(id: number): TopicLog | undefined {
    return this.#byId.get(id);
  }

  /** @throws {RangeError} for a name of a wrong size */
  need(name: string): TopicLog {
    const known = this.#byName.get(name);
    if (known) return known;
    const bytes = Buffer.from(name);
    if (bytes.length === 0 || bytes.length > 1000)
      throw new RangeError(`the name of a topic has 1 to 1,000 bytes, this one has ${bytes.length}`);
    return this.#restore(this.#nextId, name);
  }

  /** The topic with a number and a name that were stored; undefined when the number belongs to another name. */
  restored(id: number, name: string): TopicLog | undefined {
    const known = this.#byId.get(id);
    if (known) return known.name === name ? known : undefined;
    return this.#byName.has(name) ? undefined : this.#restore(id, name);
  }

  #restore(id: number, name: string): TopicLog {
    const topic = new TopicLog(id, name);
    this.#byName.set(name, topic);
    this.#byId.set(id, topic);
    this.#nextId = Math.max(this.#nextId, id + 1);
    return topic;
  }

  values(): Iterable<TopicLog> {
    return this.#byId.values();
  }
}
