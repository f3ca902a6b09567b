import type { Segment } from './segment.js';
import { TopicTable } from './topic-log.js';

/** Everything that is known of a log while it is open: what is done and visible. */
export class StoreState {
  readonly folder: string;
  readonly topics = new TopicTable();
  readonly facts = new Map<string, string>();
  /** Oldest first, at least one; the last is written to. */
  readonly segments: Segment[] = [];
  /** Of the newest batch. */
  lastTimestampMs = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The segment that is written to. @throws {Error} before there is one */
  get active(): Segment {
    const last = this.segments.at(-1);
    if (!last) throw new Error(`there is no segment yet in ${this.folder}`);
    return last;
  }

  /** Log offset where what is done ends. */
  get end(): number {
    return this.active.base + this.active.end;
  }
}
