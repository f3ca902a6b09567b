import { COUNTERS_NOTICE, type Counters, countersMessageOf } from '../discovery/index.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';
import type { Client } from '../transport/index.js';

/** No more than one message in this time; a change is told within it. */
const PERIOD_MS = 250;

export interface CountersTellerOptions {
  readonly client: Client;
  /** As they are just now. */
  readonly counters: () => Counters;
  readonly log: Logger;
}

/** Tells the counters of a participant on their notice when they have changed or are asked for, and is quiet otherwise. */
export class CountersTeller {
  readonly #options: CountersTellerOptions;
  #timer: NodeJS.Timeout | undefined;
  #isArmed = false;
  #isChanged = false;
  #stopped = false;

  constructor(options: CountersTellerOptions) {
    this.#options = options;
  }

  /** Something has changed. Called for every message. */
  touch(): void {
    this.#isChanged = true;
    if (!this.#isArmed) this.#arm();
  }

  /** Somebody asks, who knows nothing yet: told at once though nothing has changed, unless it is about to be told anyway. */
  tellSoon(): void {
    if (this.#isArmed || this.#stopped) return;
    this.#isArmed = true;
    void this.#tell();
  }

  /** Nothing is told afterwards. Idempotent. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#isArmed = true;
    this.#timer = setTimeout(() => void this.#tell(), PERIOD_MS);
    this.#timer.unref();
  }

  /** Never two at a time: while there is no connection the first one waits. */
  async #tell(): Promise<void> {
    const { client, counters, log } = this.#options;
    this.#isChanged = false;
    try {
      await client.notify({ name: COUNTERS_NOTICE, body: countersMessageOf(counters()) });
    } catch (error) {
      log.debug(`could not tell the counters: ${messageOf(error)}`);
      this.#isChanged = false;
    }
    this.#isArmed = false;
    if (this.#isChanged) this.#arm();
  }
}
