import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.js';
import type { QueueName } from '../names.js';
import type { Logger } from '../support/index.js';
import { type Delivery, encodePayload, HEADER } from '../transport/index.js';

/** Process() began with a message, and its process died before it ended. */
export interface Crash {
  /** When it began, in ms since 1970. */
  readonly atMs: number;
  readonly participant: string;
  /** No other call of process() ran beside it. */
  readonly alone: boolean;
}

export interface LedgerOptions {
  /** Shared by all participants that may get each other's messages. Made when it is needed. */
  readonly folder: string;
  /** Id of the participant that writes. */
  readonly participant: string;
  readonly log: Logger;
}

const STALE_MS = 24 * 3600 * 1000;
/** How long a note stays when its message is a dead letter. */
const BURIED_MS = 1000;
const NOTE = /^[\da-f]{64}\.json$/;

/**
 * Notes which redelivered messages process() is working on, in a small file each, so that the next process knows of which
 * one the last died. Nothing is written for messages that come for the first time. Files are named by a hash: nothing of a
 * message becomes a path. They are not flushed to disk: what they must outlive is this process, not the machine.
 */
export class AttemptLedger {
  readonly #options: LedgerOptions;
  readonly #open = new Set<Note>();
  readonly #buried = new Map<Note, NodeJS.Timeout>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** What is noted of a message that came again. What is older than a day, or cannot be read, counts for nothing. */
  look(inqueue: QueueName, delivery: Delivery): Note {
    const { folder, participant } = this.#options;
    const file = join(folder, `${nameOf(inqueue, delivery)}.json`);
    const crashes = crashesIn(file);
    return new Note(file, crashes, {
      write: (note, alone) =>
        this.#write(note, inqueue, delivery, [...crashes, { atMs: Date.now(), participant, alone }]),
      end: (note) => this.#end(note),
      bury: (note) => this.#bury(note),
    });
  }

  /** The process is about to end in good order: that is no death. */
  close(): void {
    for (const note of [...this.#open]) note.end();
    for (const [note, timer] of this.#buried) {
      clearTimeout(timer);
      this.#remove(note);
    }
    this.#buried.clear();
  }

  /** Removes notes that are older than a day. Never fails. */
  async sweep(): Promise<void> {
    const { folder } = this.#options;
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((each) => NOTE.test(each))) {
      const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (Date.now() - mtimeMs > STALE_MS) await rm(join(folder, name), { force: true }).catch(() => undefined);
    }
  }

  #write(note: Note, queue: QueueName, { headers }: Delivery, crashes: readonly Crash[]): void {
    const { folder, log } = this.#options;
    const text = JSON.stringify({ queue, messageId: headers[HEADER.messageId], attempts: crashes });
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(note.file, text, { mode: 0o600 });
      this.#open.add(note);
    } catch (error) {
      log.warnOnce('ledger', `messages that kill this process cannot be told from others: ${messageOf(error)}`);
    }
  }

  /** Its acknowledgement is on its way: if this process dies before it is there, the message is known when it comes again. */
  #bury(note: Note): void {
    const remove = (): void => {
      this.#buried.delete(note);
      this.#remove(note);
    };
    this.#buried.set(note, setTimeout(remove, BURIED_MS).unref());
  }

  #end(note: Note): void {
    if (this.#open.delete(note)) this.#remove(note);
  }

  /** A note that stays counts for a day: no reason to fail. */
  #remove(note: Note): void {
    try {
      rmSync(note.file, { force: true });
    } catch (error) {
      this.#options.log.debug(`a note could not be removed: ${messageOf(error)}`);
    }
  }
}

interface Writer {
  write(note: Note, alone: boolean): void;
  end(note: Note): void;
  bury(note: Note): void;
}

/** What is known of one redelivered message. */
export class Note {
  readonly file: string;
  /** Oldest first. */
  readonly crashes: readonly Crash[];
  readonly #writer: Writer;

  constructor(file: string, crashes: readonly Crash[], writer: Writer) {
    this.file = file;
    this.crashes = crashes;
    this.#writer = writer;
  }

  /** A process died while it worked on this message: perhaps of it, perhaps of one beside it. */
  get isSuspect(): boolean {
    return this.crashes.length > 0;
  }

  /** Whether it is of this message that processes die: so many did, and one of them had nothing else in hand. */
  isPoison(limit: number): boolean {
    return this.crashes.length >= limit && this.crashes.some(({ alone }) => alone);
  }

  /** Process() is about to begin. */
  begin(alone: boolean): void {
    this.#writer.write(this, alone);
  }

  /** Process() has ended, in whatever way. */
  end(): void {
    this.#writer.end(this);
  }

  /** The message is a dead letter: soon nothing is noted of it any more. */
  bury(): void {
    this.#writer.bury(this);
  }
}

function nameOf(queue: QueueName, { headers, data }: Delivery): string {
  const id = headers[HEADER.messageId];
  const hash = createHash('sha256').update(queue).update('\0');
  return (id === undefined ? hash.update(encodePayload(data)) : hash.update('id ').update(id)).digest('hex');
}

function crashesIn(file: string): readonly Crash[] {
  try {
    const note: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (note === null || typeof note !== 'object' || !('attempts' in note) || !Array.isArray(note.attempts)) return [];
    const nowMs = Date.now();
    // Nor what lies a day ahead: the clock was another one then, or the note is none of ours.
    return note.attempts.filter(isCrash).filter(({ atMs }) => Math.abs(nowMs - atMs) <= STALE_MS);
  } catch {
    return [];
  }
}

function isCrash(value: unknown): value is Crash {
  if (value === null || typeof value !== 'object') return false;
  const { atMs, participant, alone }: Partial<Record<keyof Crash, unknown>> = value;
  return typeof atMs === 'number' && typeof participant === 'string' && typeof alone === 'boolean';
}
