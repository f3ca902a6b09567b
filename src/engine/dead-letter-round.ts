import type { EngineLetter } from './engine.js';
import type { Inqueue } from './inqueue.js';
import type { Entry } from './message-list.js';

/** One look at the dead letters that an inqueue holds: the one that is shown is nobody else's meanwhile. */
export class DeadLetterRound {
  readonly #queue: Inqueue | undefined;
  readonly #touched: (queue: Inqueue) => void;
  /** What comes during the round is left out, so that it ends. */
  readonly #endPlace: number;
  #lastPlace = -1;
  #shown: Entry | undefined;
  #isOver = false;

  /** @param queue where the letters are kept; undefined when there is no such place */
  constructor(queue: Inqueue | undefined, touched: (queue: Inqueue) => void) {
    this.#queue = queue;
    this.#touched = touched;
    this.#endPlace = queue?.list.nextPlace ?? 0;
  }

  next(): EngineLetter | undefined {
    this.settle('keep');
    if (this.#isOver) return undefined;
    this.#shown = this.#queue?.list.setAsideAfter(this.#lastPlace, this.#endPlace);
    if (!this.#shown) return undefined;
    const { place, message } = this.#shown;
    this.#lastPlace = place;
    return { key: String(place), body: message.body, headers: message.headers };
  }

  settle(fate: 'keep' | 'remove'): void {
    const shown = this.#shown;
    this.#shown = undefined;
    if (!shown || !this.#queue) return;
    if (fate === 'keep') this.#queue.list.putBack(shown);
    else this.#queue.drop(shown);
    this.#touched(this.#queue);
  }

  end(): void {
    this.#isOver = true;
    this.settle('keep');
  }
}
