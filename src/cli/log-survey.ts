import { CorruptionError, type RawEntry, SEGMENT_HEADER_BYTES } from '../log/index.js';
import { type Finding, Findings } from './log-findings.js';
import type { LogFolder, LogSegment } from './log-folder.js';
import type { LogState } from './log-state.js';
import { type TopicSurvey, TopicTrack } from './log-topic-survey.js';
import { type LogPart, walkSegment } from './log-walk.js';

/** What one segment turned out to hold. */
export interface SegmentSurvey {
  readonly file: string;
  /** Undefined where the header is damaged. */
  readonly number: number | undefined;
  readonly base: number;
  readonly size: number;
  /** Where its last frame, or what is damaged behind it, ends. */
  used: number;
  batches: number;
  records: number;
  /** Of its first and last batch. */
  firstTimestampMs: number | undefined;
  lastTimestampMs: number | undefined;
  /** `partly`: it knows the first frames, as of a segment that is written to. */
  index: 'whole' | 'partly' | 'damaged' | 'missing';
}

/** Everything that a walk over all frames tells. */
export interface LogSurvey {
  readonly segments: readonly SegmentSurvey[];
  /** By name. */
  readonly topics: readonly TopicSurvey[];
  readonly damages: readonly Finding[];
  /** Damages beyond those that are listed. */
  readonly moreDamages: number;
  readonly notes: readonly Finding[];
}

export interface SurveyOptions {
  readonly signal: AbortSignal;
  /** Told of bytes that were looked at. */
  readonly onBytes?: (bytes: number) => void;
}

/** Walks all frames of all segments. */
export async function surveyLog(log: LogFolder, state: LogState, options: SurveyOptions): Promise<LogSurvey> {
  const surveyor = new Surveyor(log, state);
  for (const segment of log.segments) await surveyor.walk(segment, options);
  return surveyor.end();
}

class Surveyor {
  readonly #log: LogFolder;
  readonly #firsts: ReadonlyMap<string, number>;
  readonly #segments: SegmentSurvey[] = [];
  readonly #topics = new Map<string, TopicTrack>();
  readonly #findings = new Findings();
  /** Names of topics, all over the log. */
  readonly #names = new Map<number, string>();
  /** Those that the segment in hand has named. */
  #named = new Map<number, TopicTrack>();
  /** Log offset where the next segment has to begin at the latest. */
  #expected: number;
  #lastTimestampMs = 0;

  constructor(log: LogFolder, { firsts }: LogState) {
    this.#log = log;
    this.#firsts = firsts;
    this.#expected = log.checkpoint?.offset ?? 0;
    for (const { id, name } of log.checkpoint?.topics ?? []) this.#names.set(id, name);
  }

  async walk(segment: LogSegment, { signal, onBytes }: SurveyOptions): Promise<void> {
    const { file, base, size, header, index } = segment;
    const survey: SegmentSurvey = {
      ...{ file, base, size, batches: 0, records: 0, used: SEGMENT_HEADER_BYTES },
      number: header instanceof CorruptionError ? undefined : header.number,
      firstTimestampMs: undefined,
      lastTimestampMs: undefined,
      index: typeof index === 'string' ? index : 'partly',
    };
    this.#segments.push(survey);
    this.#named = new Map();
    this.#checkPlace(segment);
    await walkSegment(segment, {
      ...{ log: this.#log, signal },
      onPart: (part) => {
        onBytes?.(part.bytes);
        if (part.state === 'whole') this.#frame(part, survey);
        else this.#noFrame(part, survey);
      },
    });
    this.#expected = Math.max(this.#expected, base + survey.used);
    this.#checkIndex(segment, survey);
  }

  end(): LogSurvey {
    const { checkpoint, checkpoints, folder } = this.#log;
    const last = this.#segments.at(-1);
    const place = { file: last?.file ?? folder, offset: last?.used ?? 0 };
    if (this.#expected > (last ? last.base + last.used : 0)) {
      const text = `the log ends here, not at log offset ${this.#expected}`;
      this.#findings.damage({ kind: 'missing', ...place, text });
    }
    for (const { name, last: sequence, lastTimestampMs } of checkpoint?.topics ?? [])
      this.#found(this.#track(name).end(sequence, lastTimestampMs), place);
    for (const { file, content } of checkpoints)
      if (!content) this.#findings.note({ kind: 'checkpoint', file, offset: 0, text: 'the checkpoint is damaged' });
    const { damages, moreDamages, notes } = this.#findings;
    const topics = [...this.#topics.values()]
      .map(({ survey }) => survey)
      .filter(({ lastSequence }) => lastSequence >= 0);
    topics.sort((a, b) => (a.topic < b.topic ? -1 : 1));
    return { segments: this.#segments, topics, damages, moreDamages, notes };
  }

  /** Whether the segment is what its name says, and follows what was before. */
  #checkPlace({ file, base, header }: LogSegment): void {
    if (header instanceof CorruptionError)
      this.#findings.damage({
        kind: 'bytes',
        file,
        offset: header.offset,
        bytes: SEGMENT_HEADER_BYTES,
        text: 'the header is damaged',
      });
    else if (header.base !== base) {
      const text = `it says that it begins at log offset ${header.base}, its name says ${base}`;
      this.#findings.damage({ kind: 'content', file, offset: 16, text });
    }
    if (base > this.#expected) {
      const text = `what lies before it, from log offset ${this.#expected}, is missing`;
      this.#findings.damage({ kind: 'missing', file, offset: 0, text });
    }
  }

  #checkIndex({ file, index, isLast }: LogSegment, survey: SegmentSurvey): void {
    const said = file.replace(/seg$/, 'idx');
    if (index === 'damaged')
      this.#findings.note({ kind: 'index', file: said, offset: 0, text: 'the index is damaged' });
    if (index === 'missing' && !isLast)
      this.#findings.note({ kind: 'index', file: said, offset: 0, text: 'the index is missing' });
    if (typeof index !== 'object') return;
    const { end, topics } = index;
    const place = { file, offset: survey.used };
    if (end >= survey.used) survey.index = 'whole';
    if (end > survey.used)
      this.#findings.damage({ kind: 'missing', ...place, text: `frames end here; the index knows them to ${end}` });
    for (const { name, lastSequence } of topics) this.#found(this.#track(name).end(lastSequence), place);
  }

  #frame(part: Extract<LogPart, { readonly state: 'whole' }>, survey: SegmentSurvey): void {
    const { offset, bytes, timestampMs, entries, isReadable } = part;
    const place = { file: survey.file, offset };
    survey.batches += 1;
    survey.used = offset + bytes;
    survey.firstTimestampMs ??= timestampMs;
    survey.lastTimestampMs = timestampMs;
    if (!isReadable)
      this.#findings.damage({ kind: 'content', ...place, bytes, text: 'its entries do not fit the frame' });
    if (timestampMs < this.#lastTimestampMs) {
      const text = `its time, ${timestampMs}, is before that of the frame before it, ${this.#lastTimestampMs}`;
      this.#findings.damage({ kind: 'order', ...place, bytes, text });
    }
    this.#lastTimestampMs = timestampMs;
    for (const entry of entries) this.#entry(entry, timestampMs, place, survey);
  }

  #entry(entry: RawEntry, timestampMs: number, place: Pick<Finding, 'file' | 'offset'>, survey: SegmentSurvey): void {
    if (entry.kind === 'topic') {
      const { id, name } = entry;
      const before = this.#names.get(id) ?? name;
      if (before !== name) {
        const text = `topic ${id} has two names, '${before}' and '${name}'`;
        this.#findings.damage({ kind: 'content', ...place, text });
      }
      this.#names.set(id, name);
      this.#named.set(id, this.#track(name));
    } else if (entry.kind === 'record') {
      survey.records += 1;
      const { topic, sequence, body, headers } = entry;
      const track = this.#named.get(topic) ?? this.#unnamed(topic, place);
      this.#found(track.record(sequence, timestampMs, body.length + headers.length), place);
    }
  }

  /** The frame that names a topic may be the one that is damaged. */
  #unnamed(id: number, place: Pick<Finding, 'file' | 'offset'>): TopicTrack {
    this.#findings.damage({ kind: 'content', ...place, text: `topic ${id} has no name in this segment` });
    const track = this.#track(this.#names.get(id) ?? `topic ${id}`);
    this.#named.set(id, track);
    return track;
  }

  #noFrame({ state, offset, bytes }: Exclude<LogPart, { readonly state: 'whole' }>, survey: SegmentSurvey): void {
    const { file } = survey;
    if (state === 'unused') return;
    if (state === 'damaged') {
      survey.used = offset + bytes;
      this.#findings.damage({
        kind: 'bytes',
        file,
        offset,
        bytes,
        text: 'no frame begins here, or its checksum is wrong',
      });
      return;
    }
    const text =
      this.#log.openIn === undefined
        ? 'torn end: a commit that was not finished; the next start cuts it'
        : 'torn end: a commit that is on its way, or was not finished';
    this.#findings.note({ kind: 'torn', file, offset, bytes, text });
  }

  #track(name: string): TopicTrack {
    const known = this.#topics.get(name);
    if (known) return known;
    const track = new TopicTrack(name, this.#firsts.get(name) ?? 0);
    this.#topics.set(name, track);
    return track;
  }

  #found(problem: Pick<Finding, 'kind' | 'text'> | undefined, place: Pick<Finding, 'file' | 'offset'>): void {
    if (problem) this.#findings.damage({ ...problem, file: place.file, offset: place.offset });
  }
}
