/** What there is of one topic. Records that were dropped do not count. */
export interface TopicSurvey {
  readonly topic: string;
  readonly records: number;
  /** Of bodies and headers. */
  readonly bytes: number;
  /** Of the oldest record that was not dropped; when nothing is left, after the last one. */
  readonly firstSequence: number;
  /** Of the newest record ever. */
  readonly lastSequence: number;
  /** Of the oldest record that was not dropped. */
  readonly firstTimestampMs: number | undefined;
  /** Of the newest record ever. */
  readonly lastTimestampMs: number | undefined;
}

/** What is wrong with a record that comes next. */
export interface RecordProblem {
  readonly kind: 'missing' | 'order';
  readonly text: string;
}

/** Follows the records of one topic through the log. */
export class TopicTrack {
  readonly #topic: string;
  readonly #first: number;
  #last = -1;
  #records = 0;
  #bytes = 0;
  #firstTimestampMs: number | undefined;
  #lastTimestampMs: number | undefined;

  /** @param first what is before it was dropped */
  constructor(topic: string, first: number) {
    this.#topic = topic;
    this.#first = first;
  }

  record(sequence: number, timestampMs: number, bytes: number): RecordProblem | undefined {
    const last = this.#last;
    const expected = Math.max(last + 1, this.#first);
    this.#last = Math.max(last, sequence);
    this.#lastTimestampMs = timestampMs;
    if (sequence >= this.#first && sequence > last) {
      this.#firstTimestampMs ??= timestampMs;
      this.#records += 1;
      this.#bytes += bytes;
    }
    if (sequence <= last)
      return { kind: 'order', text: `record ${sequence} of '${this.#topic}' follows record ${last}` };
    return sequence > expected ? this.#missing(expected, sequence - 1) : undefined;
  }

  /** @param last somebody knew it, so it was written; @param lastTimestampMs of it, where that is known */
  end(last: number, lastTimestampMs?: number): RecordProblem | undefined {
    const expected = Math.max(this.#last + 1, this.#first);
    if (last <= this.#last) return undefined;
    this.#last = last;
    this.#lastTimestampMs = lastTimestampMs ?? this.#lastTimestampMs;
    return last >= expected ? this.#missing(expected, last) : undefined;
  }

  get survey(): TopicSurvey {
    return {
      topic: this.#topic,
      records: this.#records,
      bytes: this.#bytes,
      firstSequence: Math.min(this.#first, this.#last + 1),
      lastSequence: this.#last,
      firstTimestampMs: this.#firstTimestampMs,
      lastTimestampMs: this.#lastTimestampMs,
    };
  }

  #missing(from: number, to: number): RecordProblem {
    const which =
      from === to ? `record ${from} of '${this.#topic}' is` : `records ${from} to ${to} of '${this.#topic}' are`;
    return { kind: 'missing', text: `${which} missing` };
  }
}
