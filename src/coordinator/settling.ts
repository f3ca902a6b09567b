/** So long after the start of a network its parts come one by one, in ms. */
const SETTLING_MS = 10_000;

/** The time in which a network begins: sources wait also for those that others start. */
export class Settling {
  readonly #ended: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param ended called when that time is over, not when it is cut short by `stop()` */
  constructor(ended: () => void) {
    this.#ended = ended;
  }

  get isOn(): boolean {
    return this.#timer !== undefined;
  }

  /** From now on, also when it was on already. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#ended();
    }, SETTLING_MS);
  }

  /** Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
