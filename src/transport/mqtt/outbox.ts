import { RefusedError } from '../index.js';
import { Fifo } from './fifo.js';
import type { Confirmee, Publication, Session } from './session.js';

/** What of a session is needed here. */
type Publishing = Pick<Session, 'check' | 'publish' | 'hurry' | 'receiveMaximum'>;

/** Hears what became of a publication before who sent it: that costs less than a promise between the two. */
export interface Fate {
  /** The broker has it; the reason is 0, or 16 when nobody is subscribed. What it throws is what who sent it gets. */
  taken(reason: number): void;
  /** It does not, or not that we know. */
  lost(): void;
}

/** One publication on its way. */
class Entry implements Confirmee {
  readonly publication: Publication;
  readonly fate: Fate | undefined;
  readonly resolve: (value: undefined) => void;
  readonly reject: (error: unknown) => void;
  /** On which it went out last. */
  session: Publishing | undefined;
  readonly #onConfirmed: (entry: Entry, reason: number) => void;

  constructor(
    publication: Publication,
    fate: Fate | undefined,
    resolve: (value: undefined) => void,
    reject: (error: unknown) => void,
    onConfirmed: (entry: Entry, reason: number) => void,
  ) {
    this.publication = publication;
    this.fate = fate;
    this.resolve = resolve;
    this.reject = reject;
    this.#onConfirmed = onConfirmed;
  }

  confirmed(reason: number): void {
    this.#onConfirmed(this, reason);
  }
}

/** With fewer on their way, whoever sends a few at a time would feel it if their confirmations were read later. */
const MANY_UNCONFIRMED = 8;
const MAX_UNCONFIRMED = 1000;
const MAX_UNCONFIRMED_BYTES = 16 * 1024 * 1024;

/**
 * What is being published and not yet confirmed. It goes out in the order of sending, at most 1,000 messages and 16 MiB
 * (or what the broker says that it takes) ahead of the confirmations; what a lost session leaves unconfirmed is repeated
 * on the next. Who sends more waits for its confirmation that much longer: once there is no room, half of it is to be free
 * before more goes out, so that it goes out together.
 */
export class Outbox {
  #waiting = new Fifo<Entry>();
  readonly #unconfirmed = new Set<Entry>();
  readonly #idle: (() => void)[] = [];
  #unconfirmedBytes = 0;
  /** There is no room, or there was none and not enough yet. */
  #isFull = false;
  #session: Publishing | undefined;
  #closed: Error | undefined;
  readonly #confirmed = (entry: Entry, reason: number): void => {
    if (entry.session !== this.#session) return;
    this.#unconfirmed.delete(entry);
    this.#unconfirmedBytes -= entry.publication.payload.length;
    this.#settle(entry, reason);
    this.#flush();
    this.#tellIdle();
  };

  /** Whether it slows nobody when confirmations are read a moment later. */
  get isAtEase(): boolean {
    return this.#waiting.size === 0 && this.#unconfirmed.size >= MANY_UNCONFIRMED;
  }

  /** Resolves when the broker has it. @throws {RefusedError} @throws what `fate.taken` throws */
  send(publication: Publication, fate?: Fate): Promise<void> {
    if (this.#closed) {
      fate?.lost();
      return Promise.reject(this.#closed);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(new Entry(publication, fate, resolve, reject, this.#confirmed));
      this.#flush();
    });
  }

  /** Repeats on a new session what the last one left unconfirmed. */
  attach(session: Publishing): void {
    this.#session = session;
    this.#flush();
  }

  detach(): void {
    this.#session = undefined;
    this.#isFull = false;
    const again = new Fifo<Entry>();
    for (const entry of this.#unconfirmed) again.push(entry);
    for (const entry of this.#waiting.drain()) again.push(entry);
    this.#waiting = again;
    this.#unconfirmed.clear();
    this.#unconfirmedBytes = 0;
  }

  /** Resolves when all that was sent is confirmed. */
  async drained(): Promise<void> {
    if (this.#waiting.size + this.#unconfirmed.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Rejects all that is not confirmed, and all that is sent from now on. */
  close(error: Error): void {
    this.#closed = error;
    this.detach();
    for (const entry of this.#waiting.drain()) fail(entry, error);
    this.#tellIdle();
  }

  #flush(): void {
    const session = this.#session;
    if (!session) return;
    const most = Math.min(MAX_UNCONFIRMED, session.receiveMaximum);
    if (this.#isFull && this.#unconfirmed.size > most / 2) return;
    while (this.#unconfirmed.size < most && this.#unconfirmedBytes < MAX_UNCONFIRMED_BYTES) {
      const entry = this.#waiting.shift();
      if (!entry) break;
      this.#publish(session, entry);
    }
    this.#isFull = this.#waiting.size > 0;
    if (this.#isFull) session.hurry();
  }

  #publish(session: Publishing, entry: Entry): void {
    try {
      session.check(entry.publication);
    } catch (error) {
      fail(entry, error instanceof Error ? error : new RefusedError(String(error)));
      return;
    }
    this.#unconfirmed.add(entry);
    this.#unconfirmedBytes += entry.publication.payload.length;
    entry.session = session;
    session.publish(entry.publication, entry);
  }

  #settle(entry: Entry, reason: number): void {
    if (reason >= 0x80) fail(entry, refusal(entry.publication, reason));
    else
      try {
        entry.fate?.taken(reason);
        entry.resolve(undefined);
      } catch (error) {
        entry.reject(error);
      }
  }

  #tellIdle(): void {
    if (this.#waiting.size + this.#unconfirmed.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function fail(entry: Entry, error: Error): void {
  entry.fate?.lost();
  entry.reject(error);
}

function refusal({ topic }: Publication, reason: number): RefusedError {
  return new RefusedError(`the broker does not take what is sent to '${topic}' (${reason})`);
}
