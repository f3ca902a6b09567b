import { renameSync, rmSync } from 'node:fs';
import {
  type CommitResult,
  type LogStore,
  lockFolder,
  type NewRecord,
  openStore,
  type RawEntry,
  seedStore,
  writeHeaders,
} from '../log/index.js';
import type { CliContext } from './command.js';
import { type LogFolder, readLogFolder } from './log-folder.js';
import { ByteProgress } from './log-progress.js';
import { findingLines } from './log-report.js';
import { type LogState, readLogState } from './log-state.js';
import { type LogSurvey, surveyLog } from './log-survey.js';
import { counted } from './log-text.js';
import { walkSegment } from './log-walk.js';
import { jsonLine, printable } from './terminal-text.js';

/** On the empty record that stands in the place of one that is lost: the file and byte where it was missed. */
const LOST_HEADER = 'msgflo-lost';
/** Less than a store takes at once: what it makes wait would get the time of a later batch. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;
const IN_FLIGHT_COMMITS = 1000;
/** Empty records in one batch. */
const LOST_AT_ONCE = 10_000;

type Place = { readonly file: string; readonly offset: number };
type RecordEntry = Extract<RawEntry, { readonly kind: 'record' }>;

/**
 * Makes a damaged log one that opens: a new one with everything that can be read, under the ids that it had, and an empty
 * record for each that cannot. The damaged one is kept beside, and what is lost is told.
 * @throws {StoreLockedError} while somebody has it open
 */
export async function salvageLog(
  folder: string,
  { json }: { readonly json: boolean },
  context: CliContext,
): Promise<void> {
  const { signal, log, print } = context;
  const lock = lockFolder(folder, log);
  const made = `${folder}.salvaging`;
  try {
    const found: LogFolder = { ...readLogFolder(folder), openIn: undefined };
    const state = await readLogState(found, signal);
    const survey = await surveyLog(found, state, { signal });
    const { damages, moreDamages } = survey;
    if (damages.length === 0) {
      if (json) print(jsonLine({ folder, records: 0, lostRecords: 0, damages, moreDamages, damagedFolder: null }));
      else print('nothing is damaged: the log stays as it is');
      return;
    }
    rmSync(made, { recursive: true, force: true });
    const counts = await new Salvage(found, state, survey, context).into(made);
    const damagedFolder = `${folder}.damaged-${Date.now()}`;
    renameSync(folder, damagedFolder);
    renameSync(made, folder);
    if (json) print(jsonLine({ folder, ...counts, damages, moreDamages, damagedFolder }));
    else {
      for (const line of findingLines(damages, [])) print(printable(line));
      if (moreDamages > 0) print(`and ${counted(moreDamages, 'damage')} more`);
      const lost = `${counted(counts.lostRecords, 'record')} lost, in ${counts.lostRecords === 1 ? 'its' : 'their'} place empty ones with the header ${LOST_HEADER}`;
      print(printable(`kept ${counted(counts.records, 'record')}; ${lost}; the damaged log is in ${damagedFolder}`));
    }
  } finally {
    lock.release();
    rmSync(made, { recursive: true, force: true });
  }
}

class Salvage {
  readonly #found: LogFolder;
  readonly #state: LogState;
  readonly #survey: LogSurvey;
  readonly #context: CliContext;
  /** The sequence that comes next, by topic. */
  readonly #next = new Map<string, number>();
  #store: LogStore | undefined;
  #nowMs = 0;
  #pending: Promise<CommitResult>[] = [];
  #pendingBytes = 0;
  #records = 0;
  #lost = 0;

  constructor(found: LogFolder, state: LogState, survey: LogSurvey, context: CliContext) {
    this.#found = found;
    this.#state = state;
    this.#survey = survey;
    this.#context = context;
  }

  /** @returns what the new log has */
  async into(folder: string): Promise<{ readonly records: number; readonly lostRecords: number }> {
    for (const { topic, firstSequence } of this.#survey.topics) this.#next.set(topic, firstSequence);
    if (!this.#found.checkpoint) await this.#findFirsts();
    await seedStore(
      folder,
      [...this.#next].map(([topic, nextSequence]) => ({ topic, nextSequence })),
    );
    const total = this.#found.segments.reduce((sum, { size }) => sum + size, 0);
    const progress = new ByteProgress(total, process.stderr);
    const store = await openStore(folder, { sync: 'never', nowMs: () => this.#nowMs });
    this.#store = store;
    try {
      for (const segment of this.#found.segments) await this.#copy(segment, progress);
      await this.#end();
      await store.flush();
    } finally {
      progress.end();
      await store.close();
    }
    return { records: this.#records, lostRecords: this.#lost };
  }

  /** Where no checkpoint tells what was dropped: what comes before the first record that is there. */
  async #findFirsts(): Promise<void> {
    const firsts = new Map<string, number>();
    const names = new Map<number, string>();
    for (const segment of this.#found.segments)
      await walkSegment(segment, {
        ...{ log: this.#found, signal: this.#context.signal },
        onPart: (part) => {
          for (const entry of part.state === 'whole' ? part.entries : []) {
            if (entry.kind === 'topic') names.set(entry.id, entry.name);
            const name = entry.kind === 'record' ? names.get(entry.topic) : undefined;
            if (entry.kind === 'record' && name !== undefined && !firsts.has(name)) firsts.set(name, entry.sequence);
          }
        },
      });
    for (const [topic, next] of this.#next) this.#next.set(topic, Math.max(next, firsts.get(topic) ?? next));
  }

  async #copy(segment: LogFolder['segments'][number], progress: ByteProgress): Promise<void> {
    const names = new Map(this.#found.checkpoint?.topics.map(({ id, name }) => [id, name]));
    const frames: { offset: number; timestampMs: number; records: NewRecord[] }[] = [];
    const { signal } = this.#context;
    await walkSegment(segment, {
      ...{ log: this.#found, signal },
      onPart: (part) => {
        progress.add(part.bytes);
        if (part.state !== 'whole') return;
        const place = { file: segment.file, offset: part.offset };
        const records: NewRecord[] = [];
        for (const entry of part.entries) {
          if (entry.kind === 'topic') names.set(entry.id, entry.name);
          else if (entry.kind === 'record') this.#take(names.get(entry.topic), entry, place, records);
        }
        frames.push({ offset: part.offset, timestampMs: part.timestampMs, records });
      },
    });
    for (const { timestampMs, records } of frames) await this.#commit(records, timestampMs);
  }

  /** Puts a record into its batch, behind those that are missing before it. */
  #take(topic: string | undefined, { sequence, headers, body }: RecordEntry, place: Place, records: NewRecord[]): void {
    const next = topic === undefined ? undefined : this.#next.get(topic);
    if (topic === undefined || next === undefined || sequence < next) return; // dropped, or said to be out of order
    records.push(...this.#missing(topic, next, sequence, place));
    records.push({ topic, body: Buffer.from(body), headers: Buffer.from(headers) });
    this.#next.set(topic, sequence + 1);
    this.#records += 1;
  }

  #missing(topic: string, from: number, to: number, { file, offset }: Place): NewRecord[] {
    this.#lost += to - from;
    const headers = writeHeaders({ [LOST_HEADER]: `${file} at byte ${offset}` });
    return Array.from({ length: to - from }, () => ({ topic, body: Buffer.alloc(0), headers }));
  }

  /** What somebody knew and is not there at the end, and the facts. */
  async #end(): Promise<void> {
    const last = this.#found.segments.at(-1);
    const place = { file: last?.file ?? this.#found.folder, offset: last?.size ?? 0 };
    for (const { topic, lastSequence } of this.#survey.topics) {
      const records = this.#missing(topic, this.#next.get(topic) ?? 0, lastSequence + 1, place);
      await this.#commit(records, this.#nowMs);
    }
    await Promise.all(this.#pending);
    const puts = [...this.#state.facts].map(([key, value]) => ({ key, value }));
    for (let at = 0; at < puts.length; at += LOST_AT_ONCE)
      await this.#store?.commit({ puts: puts.slice(at, at + LOST_AT_ONCE) });
  }

  async #commit(records: readonly NewRecord[], timestampMs: number): Promise<void> {
    for (let at = 0; at < records.length; at += LOST_AT_ONCE) {
      const batch = records.slice(at, at + LOST_AT_ONCE);
      const bytes = batch.reduce((sum, { body, headers }) => sum + body.length + (headers?.length ?? 0), 0);
      if (this.#pendingBytes + bytes > IN_FLIGHT_BYTES || this.#pending.length >= IN_FLIGHT_COMMITS) {
        await Promise.all(this.#pending);
        this.#pending = [];
        this.#pendingBytes = 0;
      }
      this.#nowMs = timestampMs; // asked for within the call
      const done = this.#store?.commit({ records: batch });
      if (done) this.#pending.push(done);
      this.#pendingBytes += bytes;
    }
  }
}
