import { MsgfloError } from '../../errors.js';
import type { QueueName } from '../../names.js';
import type { LetterVisit } from '../index.js';
import { DeadLetterSurvey } from './dead-letter-survey.js';
import { DeadLetterVisit, type DeadLetterVisitOptions } from './dead-letter-visit.js';
import { Slot } from './slot.js';

/** Somebody else looks at the dead letters of the inqueue just now. */
class DeadLettersBusyError extends MsgfloError {
  readonly code = 'MSGFLO_DEAD_LETTERS_BUSY';
  override readonly retryable = true;
  constructor(inqueue: QueueName) {
    super(`somebody else looks at the dead letters of '${inqueue}' just now: try again when they are done`);
  }
}

/**
 * The rounds of one client over dead letters. During each the slot `dead/<inqueue>` is held, so that no two rounds show
 * the same letter, of whichever clients; when the client dies, its will frees the slot.
 */
export class DeadLetterVisits {
  readonly #options: Omit<DeadLetterVisitOptions, 'inqueue' | 'will'>;
  readonly #locks = new Map<QueueName, Slot>();
  readonly #visited = new Set<QueueName>();

  constructor(options: Omit<DeadLetterVisitOptions, 'inqueue' | 'will'>) {
    this.#options = options;
  }

  /** @throws {DeadLettersBusyError} @throws {NotConnectedError} when the client is closed meanwhile */
  async run(inqueue: QueueName, visit: LetterVisit): Promise<number> {
    if (this.#visited.has(inqueue)) throw new DeadLettersBusyError(inqueue);
    this.#visited.add(inqueue);
    try {
      return await this.#runAlone(inqueue, visit);
    } finally {
      this.#visited.delete(inqueue);
    }
  }

  /** Those of which letters are kept. @throws {NotConnectedError} when the client is closed meanwhile */
  async inqueues(): Promise<readonly QueueName[]> {
    return await new DeadLetterSurvey(this.#options).run();
  }

  async #runAlone(inqueue: QueueName, visit: LetterVisit): Promise<number> {
    const { signal } = this.#options;
    const lock = this.#locks.get(inqueue) ?? this.#newLock(inqueue);
    if (!(await lock.claim(signal))) {
      signal.throwIfAborted();
      throw new DeadLettersBusyError(inqueue);
    }
    try {
      return await new DeadLetterVisit({ ...this.#options, inqueue, will: lock.will }).run(visit);
    } finally {
      if (!signal.aborted) await lock.release();
    }
  }

  #newLock(inqueue: QueueName): Slot {
    const { outlet, log } = this.#options;
    const nothing = (): void => undefined;
    const lock = new Slot({ name: `dead/${inqueue}`, ifFree: true, outlet, onLost: nothing, onFree: nothing, log });
    this.#locks.set(inqueue, lock);
    return lock;
  }
}
