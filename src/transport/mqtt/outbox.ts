import { RefusedError } from '../index.js';
import { Fifo } from './fifo.js';
import type { Confirmee, Publication, Session } from './session.js';

/** One publication on its way. */
class Entry implements Confirmee {
  readonly publication: Publication;
  readonly resolve: (reason: number) => void;
  readonly reject: (error: Error) => void;
  /** On which it went out last. */
  session: Session | undefined;
  readonly #onConfirmed: (entry: Entry, reason: number) => void;

  constructor(
    publication: Publication,
    resolve: (reason: number) => void,
    reject: (error: Error) => void,
    onConfirmed: (entry: Entry, reason: number) => void,
  ) {
    this.publication = publication;
    this.resolve = resolve;
    this.reject = reject;
    this.#onConfirmed = onConfirmed;
  }

  confirmed(reason: number): void {
    this.#onConfirmed(this, reason);
  }
}

const MAX_UNCONFIRMED = 1000;
const MAX_UNCONFIRMED_BYTES = 16 * 1024 * 1024;

/**
 * What is being published and not yet confirmed. It goes out in the order of sending, at most 1,000 messages and 16 MiB
 * (or what the broker says that it takes) ahead of the confirmations; what a lost session leaves unconfirmed is repeated
 * on the next. Who sends more waits for its confirmation that much longer.
 */
export class Outbox {
  #waiting = new Fifo<Entry>();
  readonly #unconfirmed = new Set<Entry>();
  readonly #idle: (() => void)[] = [];
  #unconfirmedBytes = 0;
  #session: Session | undefined;
  #closed: Error | undefined;
  readonly #confirmed = (entry: Entry, reason: number): void => {
    if (entry.session !== this.#session) return;
    this.#unconfirmed.delete(entry);
    this.#unconfirmedBytes -= entry.publication.payload.length;
    if (reason < 0x80) entry.resolve(reason);
    else entry.reject(refusal(entry.publication, reason));
    this.#flush();
    this.#tellIdle();
  };

  /** Resolves with the PUBACK's reason: 0, or 16 when nobody is subscribed. @throws {RefusedError} */
  send(publication: Publication): Promise<number> {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiting.push(new Entry(publication, resolve, reject, this.#confirmed));
      this.#flush();
    });
  }

  /** Repeats on a new session what the last one left unconfirmed. */
  attach(session: Session): void {
    this.#session = session;
    this.#flush();
  }

  detach(): void {
    this.#session = undefined;
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
    for (const entry of this.#waiting.drain()) entry.reject(error);
    this.#tellIdle();
  }

  #flush(): void {
    const session = this.#session;
    if (!session) return;
    const most = Math.min(MAX_UNCONFIRMED, session.receiveMaximum);
    while (this.#unconfirmed.size < most && this.#unconfirmedBytes < MAX_UNCONFIRMED_BYTES) {
      const entry = this.#waiting.shift();
      if (!entry) return;
      this.#publish(session, entry);
    }
  }

  #publish(session: Session, entry: Entry): void {
    try {
      session.check(entry.publication);
    } catch (error) {
      entry.reject(error instanceof Error ? error : new RefusedError(String(error)));
      return;
    }
    this.#unconfirmed.add(entry);
    this.#unconfirmedBytes += entry.publication.payload.length;
    entry.session = session;
    session.publish(entry.publication, entry);
  }

  #tellIdle(): void {
    if (this.#waiting.size + this.#unconfirmed.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function refusal({ topic }: Publication, reason: number): RefusedError {
  return new RefusedError(`the broker does not take what is sent to '${topic}' (${reason})`);
}
