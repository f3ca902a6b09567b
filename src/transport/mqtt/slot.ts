import { randomUUID } from 'node:crypto';
import { messageOf, TimeoutError } from '../../errors.js';
import type { Logger } from '../../support/index.js';
import type { Outlet } from './outlet.js';
import type { Incoming, Publication } from './session.js';
import { slotTopic } from './topics.js';

export interface SlotOptions {
  readonly name: string;
  /** Only if nobody holds it; otherwise it is taken from whoever does. */
  readonly ifFree: boolean;
  readonly outlet: Outlet;
  /** Another client has it now. */
  readonly onLost: () => void;
  /** Not ours, and perhaps nobody's. */
  readonly onFree: () => void;
  readonly log: Logger;
}

/** One that is said to hold a slot, and lives, answers within this; otherwise what the broker keeps of it is stale. */
const ANSWER_LIMIT_MS = 2000;
/** Most time for the broker to bring back what we say. */
const ECHO_LIMIT_MS = 5000;

/** `ask`: who holds it? `hold`: I do, unless another was first. `keep`: I do already. `take`: I do from now on. */
type Word = 'ask' | 'hold' | 'keep' | 'take';

/**
 * Settles among clients who holds a slot, before any connects under its client id: two with one client id would cut each
 * other's connection for ever, and not every broker tells the loser why (Mosquitto 2.0 does not).
 *
 * All is said on `msgflo/slots/<slot>`, where the holder's word is retained until it leaves or, by the will of its
 * consuming connection, dies; whoever asks hears it answer. The broker's order decides: of two that find a slot free the
 * first to say so has it, and who takes it for certain has it from the one before.
 */
export class Slot {
  readonly #options: SlotOptions;
  readonly #topic: string;
  readonly #me = randomUUID();
  readonly #listeners = new Set<() => void>();
  #state: 'none' | 'trying' | 'held' = 'none';
  /** Who is said to hold it. */
  #holder: string | undefined;
  #heardAsk = false;
  #listening: Promise<unknown> | undefined;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.#topic = slotTopic(options.name);
    options.outlet.onRestoring(() => this.#restore());
  }

  get isHeld(): boolean {
    return this.#state === 'held';
  }

  /** What the broker is to publish when the connection under the slot's client id dies. */
  get will(): Publication {
    return { topic: this.#topic, payload: Buffer.alloc(0), retain: true };
  }

  /** Resolves with whether the slot is ours; `signal` ends the waiting. @throws {RefusedError} */
  async claim(signal: AbortSignal): Promise<boolean> {
    if (!this.#options.ifFree) {
      await inTime(this.#take(), undefined, signal);
      return true;
    }
    try {
      return await this.#claimIfFree(signal);
    } catch (error) {
      this.#state = 'none';
      if (!signal.aborted) this.#options.log.debug(`slot '${this.#options.name}' is not used: ${messageOf(error)}`);
      return false;
    }
  }

  /** Nobody holds it any more. Call it when the connection under its client id has ended. */
  async release(): Promise<void> {
    if (this.#state !== 'held') return;
    this.#state = 'none';
    await this.#options.outlet.publish(this.will);
  }

  /** It is another's now, as the broker showed. */
  forgo(): void {
    this.#state = 'none';
  }

  async #take(): Promise<void> {
    await this.#listen();
    this.#state = 'trying';
    await this.#say('take');
  }

  async #claimIfFree(signal: AbortSignal): Promise<boolean> {
    this.#state = 'trying';
    this.#heardAsk = false;
    await inTime(this.#listen(), ECHO_LIMIT_MS, signal);
    this.#sayLater('ask');
    await this.#until(() => this.#heardAsk || this.#state !== 'trying', ECHO_LIMIT_MS, signal);
    // What the broker had kept has come before our own word.
    const isFree = (): boolean => this.#holder === undefined || this.#state !== 'trying';
    if (!isFree()) await this.#until(isFree, ANSWER_LIMIT_MS, signal).catch(() => signal.throwIfAborted());
    if (this.#state === 'trying') {
      this.#sayLater('hold');
      await this.#until(() => this.#state !== 'trying', ECHO_LIMIT_MS, signal);
    }
    return this.isHeld;
  }

  #listen(): Promise<unknown> {
    this.#listening ??= this.#options.outlet
      .subscribe(this.#topic, 1, (message) => this.#hear(message))
      .catch((error) => {
        this.#listening = undefined;
        throw error;
      });
    return this.#listening;
  }

  async #say(word: Word): Promise<void> {
    const payload = Buffer.from(`${word} ${this.#me}`);
    await this.#options.outlet.publish({ topic: this.#topic, payload, retain: word !== 'ask' });
  }

  #sayLater(word: Word): void {
    this.#say(word).catch((error) => this.#options.log.debug(messageOf(error)));
  }

  #hear({ payload, retain }: Incoming): void {
    const [word = '', who = ''] = payload.toString().split(' ');
    if (who === this.#me) this.#hearMyself(word);
    else if (word === '') this.#hearNobody();
    else if (retain) this.#holder = who;
    else this.#hearOther(word, who);
    for (const listener of [...this.#listeners]) listener();
  }

  #hearMyself(word: string): void {
    if (word === 'ask') this.#heardAsk = true;
    else if (this.#state === 'trying') this.#state = 'held';
    if (this.#state === 'held') this.#holder = this.#me;
  }

  /** Somebody's will or farewell: of the one before us, or of a connection of ours that comes back. */
  #hearNobody(): void {
    this.#holder = undefined;
    if (this.#state === 'held') this.#sayLater('keep');
    else if (this.#state === 'none') this.#options.onFree();
  }

  #hearOther(word: string, who: string): void {
    const { ifFree, onLost } = this.#options;
    const wasHeld = this.#state === 'held';
    const asks = word === 'ask' || (wasHeld && word === 'hold');
    if (asks || (wasHeld && word === 'keep' && !ifFree)) {
      if (wasHeld) this.#sayLater(asks ? 'keep' : 'take');
      return;
    }
    this.#holder = who;
    if (wasHeld || ifFree) this.#state = 'none';
    if (wasHeld) onLost();
  }

  /** On each connection but the first: what was said meanwhile we did not hear. */
  #restore(): void {
    this.#holder = undefined;
    if (this.#state === 'held') this.#sayLater('keep');
    else if (this.#state === 'none') this.#options.onFree();
  }

  async #until(condition: () => boolean, limitMs: number, signal: AbortSignal): Promise<void> {
    let listener = (): void => {};
    const held = new Promise<void>((resolve) => {
      listener = () => (condition() ? resolve() : undefined);
    });
    this.#listeners.add(listener);
    listener();
    await inTime(held, limitMs, signal).finally(() => this.#listeners.delete(listener));
  }
}

/** @throws {TimeoutError} and the signal's reason when it aborts */
async function inTime(work: Promise<unknown>, limitMs: number | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let end = (): void => {};
  const late = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason);
    const onLate = (): void => reject(new TimeoutError(`no answer within ${limitMs} ms`));
    const timer = limitMs === undefined ? undefined : setTimeout(onLate, limitMs);
    signal.addEventListener('abort', onAbort);
    end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
  });
  await Promise.race([work, late]).finally(end);
}
