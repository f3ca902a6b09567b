/** Longer delays than this make a timer ring at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** One timer that is set for the earliest time asked for. It keeps no process alive. */
export class EarliestTimer {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMs = 0;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** May ring before `atMs`: whoever hears it looks at the clock and sets it again. */
  set(atMs: number, nowMs: number): void {
    if (this.#timer && this.#atMs <= atMs) return;
    this.clear();
    this.#atMs = atMs;
    const delayMs = Math.min(Math.max(atMs - nowMs, 1), MAX_DELAY_MS);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#ring();
    }, delayMs);
    this.#timer.unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
