import type { Proc } from './proc.js';

/** One topic as the node knows it: what its procs may be given, and who wants to hear of it. */
export class TopicEntry {
  readonly name: string;
  /** Of the oldest record that was not dropped. */
  first: number;
  /** Of the newest record that is done; -1 before the first. */
  last: number;
  readonly procs = new Set<Proc>();
  readonly listeners = new Set<(lastSequence: number) => void>();

  constructor(name: string, first = 0, last = -1) {
    this.name = name;
    this.first = first;
    this.last = last;
  }
}
