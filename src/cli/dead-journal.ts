import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { QueueName } from '../names.js';
import { contentHash, writeFileAtomic } from '../support/index.js';
import { withoutPassword } from '../transport/index.js';
import type { LetterFacts } from './dead-letter.js';

/** What is noted of a letter that is about to be sent. */
export type Entry = Pick<LetterFacts, 'key' | 'id' | 'redriven'>;

export interface JournalOptions {
  /** A folder of state files; made when it is missing. */
  readonly dir: string;
  /** The broker's address. */
  readonly broker: string;
  readonly queue: QueueName;
}

/**
 * What was about to be sent back to an inqueue, kept from before it is sent until its dead letter is removed. What a
 * crash leaves here may have been sent already, and is not sent again unless somebody says so.
 *
 * A file of lines for each process, `redrive-<hash of broker and queue>-<process id>.jsonl`: a line is appended and
 * flushed before each letter, so a long round writes no more for its last letter than for its first. A line that a crash
 * cut short was about a letter that was not sent.
 */
export class RedriveJournal {
  readonly #dir: string;
  readonly #start: string;
  readonly #path: string;
  /** From runs before, by those that crashed. */
  readonly #unsure: Entry[];
  readonly #files: readonly string[];
  #file: Awaited<ReturnType<typeof open>> | undefined;

  private constructor(dir: string, start: string, unsure: Entry[], files: readonly string[]) {
    this.#dir = dir;
    this.#start = start;
    this.#path = join(dir, `${start}${process.pid}.jsonl`);
    this.#unsure = unsure;
    this.#files = files;
  }

  /** Reads what runs before left. Writes nothing. */
  static async read({ dir, broker, queue }: JournalOptions): Promise<RedriveJournal> {
    const start = `redrive-${contentHash({ broker: withoutPassword(broker), queue })}-`;
    const names = (await readdir(dir).catch(() => [])).filter((name) => name.startsWith(start));
    const files = names.filter((name) => isOver(name.slice(start.length)));
    const texts = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8').catch(() => '')));
    return new RedriveJournal(dir, start, texts.flatMap(entriesOf), files);
  }

  /** It may have been sent before. */
  isUnsure(letter: Entry): boolean {
    return this.#unsure.some((entry) => isSame(entry, letter));
  }

  /** Resolves when it is on disk that this letter is about to be sent. */
  async begin({ key, id, redriven }: Entry): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    this.#file ??= await open(this.#path, 'a', 0o600);
    await this.#file.appendFile(`\n${JSON.stringify({ key, id, redriven })}\n`);
    await this.#file.datasync();
  }

  /**
   * The round is over and each letter that was begun is removed: keeps only what is still unsure. `settled`: of those,
   * the letters that somebody decided on, or that are there no more.
   */
  async end(isSettled: (letter: Entry) => boolean): Promise<void> {
    await this.close();
    const left = this.#unsure.filter((entry) => !isSettled(entry));
    if (left.length > 0) {
      await writeFileAtomic(this.#path, left.map((entry) => `${JSON.stringify(entry)}\n`).join(''), 0o600);
    }
    const own = `${this.#start}${process.pid}.jsonl`;
    const done = [...this.#files, own].filter((name) => left.length === 0 || name !== own);
    await Promise.all(done.map((name) => rm(join(this.#dir, name), { force: true })));
  }

  /** Without `end()`, after a round that broke off: what was begun stays unsure. Idempotent. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

/** Who has a message id may get another key with other letters around it. */
export function isSame(a: Entry, b: Entry): boolean {
  return a.redriven === b.redriven && (a.key === b.key || (a.id !== undefined && a.id === b.id));
}

function entriesOf(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const { key, id, redriven }: Readonly<Record<string, unknown>> = Object(JSON.parse(line));
      if (typeof key !== 'string' || typeof redriven !== 'number') return [];
      return [{ key, redriven, ...(typeof id === 'string' ? { id } : {}) }];
    } catch {
      return [];
    }
  });
}

/** Nobody writes to the file any more. */
function isOver(name: string): boolean {
  const pid = Number(/^(\d+)\.jsonl$/.exec(name)?.[1]);
  if (!Number.isInteger(pid)) return false;
  try {
    process.kill(pid, 0);
    return pid === process.pid;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
