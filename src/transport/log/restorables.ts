import { messageOf } from '../../errors.js';
import { Backoff, type Logger } from '../../support/index.js';
import { QueueNotFoundError } from '../index.js';
import type { Connection } from './connection.js';

interface Restorable {
  readonly head: object;
  readonly needsQueues: boolean;
}

/** What the broker is told again on every new connection, each under a key of its own, in order of keeping. */
export class Restorables {
  readonly #kept = new Map<string, Restorable>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param needsQueues it may be missing for a while: whoever owns its queues has to come back first */
  keep(key: string, head: object, needsQueues: boolean): void {
    this.#kept.set(key, { head, needsQueues });
  }

  forget(key: string): void {
    this.#kept.delete(key);
  }

  forgetAll(): void {
    this.#kept.clear();
  }

  /** Resolves when everything was asked for; what needs queues that are not there is asked for again and again. */
  async restore(connection: Connection): Promise<void> {
    const told = [...this.#kept].map(async ([key, { head, needsQueues }]) => {
      try {
        await connection.request(head);
      } catch (error) {
        if (needsQueues && error instanceof QueueNotFoundError) void this.#insist(connection, key, head);
        else if (connection.isOpen) this.#log.warn(`could not restore ${key}: ${messageOf(error)}`);
      }
    });
    await Promise.all(told);
  }

  /** Asks until the queues are there, the connection ends, or it is wanted no more. */
  async #insist(connection: Connection, key: string, head: object): Promise<void> {
    const backoff = new Backoff(50, 2000);
    for (;;) {
      await backoff.wait();
      if (!connection.isOpen || !this.#kept.has(key)) return;
      try {
        await connection.request(head);
        return;
      } catch (error) {
        if (!(error instanceof QueueNotFoundError)) return;
      }
    }
  }
}
