import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { UsageError } from '../errors.js';
import { CorruptionError, folderHolder, type LogView, openLogView, recordId, type StoredRecord } from '../log/index.js';
import type { CliContext } from './command.js';
import { asUsage, isGone } from './log-folder.js';
import { type Bound, firstFrom, lastTo } from './log-range.js';
import { escapedJson, printable } from './terminal-text.js';

export interface DumpOptions {
  readonly topic: string;
  /** Where it begins; in reverse the newer end. */
  readonly from: Bound | undefined;
  readonly to: Bound | undefined;
  readonly limit: number;
  readonly reverse: boolean;
}

/** Whoever writes may not have finished, or deletes what is read next: so often, and after so many ms, look anew. */
const LOOKS = 4;
const LOOKS_FOR_GONE = 20;
const LOOK_AGAIN_MS = 25;
const MOST_NEAR_DAMAGE = 1024;
const MAX_NAMED = 10;
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Prints records page by page, until the end or until nobody reads any more. */
export async function dumpTopic(folder: string, options: DumpOptions, context: CliContext): Promise<void> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  process.stdout.once('error', leave);
  const signal = AbortSignal.any([context.signal, left.signal]);
  const dump = new Dump(folder, options, { ...context, signal });
  try {
    await dump.run();
  } catch (error) {
    if (!left.signal.aborted) throw error;
  } finally {
    dump.close();
    process.stdout.off('error', leave);
  }
}

class Dump {
  readonly #folder: string;
  readonly #options: DumpOptions;
  readonly #context: CliContext;
  #view: LogView | undefined;

  constructor(folder: string, options: DumpOptions, context: CliContext) {
    this.#folder = folder;
    this.#options = options;
    this.#context = context;
  }

  async run(): Promise<void> {
    const { topic, reverse } = this.#options;
    let { limit } = this.#options;
    const { first, last } = await this.#looking((view) => this.#span(view));
    let next = reverse ? last : first;
    let most = Number.POSITIVE_INFINITY;
    while (limit > 0 && next >= first && next <= last) {
      const wanted = Math.min(limit, most, reverse ? next - first + 1 : last - next + 1);
      const from = next;
      const page = await this.#looking((view) => view.read(topic, { from, limit: wanted, reverse })).catch(orDamaged);
      if (page instanceof CorruptionError) {
        // What lies before the damage is printed first, in smaller and smaller pages.
        if (wanted === 1) throw page;
        most = Math.min(MOST_NEAR_DAMAGE, Math.ceil(wanted / 2));
        continue;
      }
      const [begin, end] = [page.at(0), page.at(-1)];
      if (!begin || !end) return;
      if (begin.sequence > from)
        this.#context.log.warn(`records from ${from} to ${begin.sequence - 1} were dropped meanwhile`);
      this.#context.print(page.map((record) => lineOf(topic, record)).join('\n'));
      limit -= page.length;
      next = end.sequence + (reverse ? -1 : 1);
      await this.#taken();
    }
  }

  close(): void {
    this.#view?.close();
  }

  /** First and last sequence, the older one first. */
  async #span(view: LogView): Promise<{ readonly first: number; readonly last: number }> {
    const { topic, from, to, reverse } = this.#options;
    const state = view.topic(topic);
    if (!state) throw new UsageError(`there is no topic '${topic}' in ${this.#folder}; ${topicsOf(view)}`);
    const [low, high] = reverse ? [to, from] : [from, to];
    const first = low ? await firstFrom(view, topic, low) : 0;
    const last = high ? await lastTo(view, topic, high) : state.lastSequence;
    return { first: Math.max(first, state.firstSequence), last: Math.min(last, state.lastSequence) };
  }

  /** Looks anew where somebody who writes was faster. */
  async #looking<T>(work: (view: LogView) => Promise<T>): Promise<T> {
    const { signal } = this.#context;
    for (let looks = 1; ; looks++) {
      signal.throwIfAborted();
      try {
        this.#view ??= openLogView(this.#folder);
        return await work(this.#view);
      } catch (error) {
        const most = isGone(error) ? LOOKS_FOR_GONE : LOOKS;
        if (error instanceof UsageError || looks >= most || folderHolder(this.#folder) === undefined)
          throw shown(error);
        this.#view?.close();
        this.#view = undefined;
        await delay(LOOK_AGAIN_MS, undefined, { signal });
      }
    }
  }

  /** Resolves when the reader has taken what was printed: memory holds a page at a time. */
  async #taken(): Promise<void> {
    const { signal } = this.#context;
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain', { signal });
    signal.throwIfAborted();
  }
}

function orDamaged(error: unknown): CorruptionError {
  if (error instanceof CorruptionError) return error;
  throw error;
}

/** Names of topics come from anybody, also in errors. */
function shown(error: unknown): unknown {
  if (error instanceof CorruptionError) error.message = printable(error.message);
  return asUsage(error);
}

function topicsOf(view: LogView): string {
  const names = view.topics().map(({ topic }) => printable(topic));
  if (names.length === 0) return 'it has none';
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  return `it has ${names.slice(0, MAX_NAMED).join(', ')}${more}`;
}

/** The id first, so that the lines of one page can be told apart at a glance. */
function lineOf(topic: string, { sequence, timestampMs, body, headers }: StoredRecord): string {
  const head = `{"id":"${recordId(timestampMs, sequence)}","topic":${JSON.stringify(topic)}`;
  const more = headers.length > 0 ? fieldOf('headers', headers) : '';
  return escapedJson(`${head}${fieldOf('body', body)}${more}}`);
}

/** JSON stays as it was written, also numbers that would not survive being parsed; what is none is base64. */
function fieldOf(name: 'body' | 'headers', bytes: Buffer): string {
  const json = jsonOf(bytes);
  if (json !== undefined) return `,"${name}":${json.replace(/[\r\n\t]/g, ' ')}`;
  return `,"${name}":"${bytes.toString('base64')}","${name}Encoding":"base64"`;
}

function jsonOf(bytes: Buffer): string | undefined {
  try {
    const text = UTF_8.decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}
