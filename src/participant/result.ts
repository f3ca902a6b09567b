import type { Settlement, Verdict } from '../transport/index.js';
import type { Inport } from './inport.js';
import { type Outgoing, settled } from './outlet.js';

const NONE: readonly Outgoing[] = Object.freeze([]);

/** What becomes of a message of an inport. One object each: it is made for every message. */
export class Result implements Settlement {
  readonly verdict: Verdict;
  readonly outputs: readonly Outgoing[];
  readonly #inport: Inport;
  readonly #onChange: () => void;

  constructor(inport: Inport, onChange: () => void, verdict: Verdict, outputs = NONE) {
    this.verdict = verdict;
    this.outputs = outputs;
    this.#inport = inport;
    this.#onChange = onChange;
  }

  settled(isCarriedOut: boolean): void {
    settled(this.outputs, isCarriedOut);
    this.#inport.settled += 1;
    if (isCarriedOut && typeof this.verdict === 'object') this.#inport.dead += 1;
    this.#onChange();
  }
}

/** The end of a message that processes die of. Until the broker has the dead letter, it is to be known for what it is. */
export class Burial extends Result {
  readonly #onSettled: (isCarriedOut: boolean) => void;

  constructor(inport: Inport, onChange: () => void, verdict: Verdict, onSettled: (isCarriedOut: boolean) => void) {
    super(inport, onChange, verdict);
    this.#onSettled = onSettled;
  }

  override settled(isCarriedOut: boolean): void {
    this.#onSettled(isCarriedOut);
    super.settled(isCarriedOut);
  }
}
