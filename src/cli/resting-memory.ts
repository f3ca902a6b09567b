/** So long must nothing have happened, in ms. */
const REST_MS = 5000;

/**
 * Gives back what a burst of work has left behind, once, when the work is over: V8 leaves garbage lying for as long as
 * nothing is asked of it, and a coordinator is idle for most of its life. Without `--expose-gc` it does nothing.
 */
export class RestingMemory {
  readonly #collect: (() => void) | undefined;
  readonly #restMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isTouched = false;

  constructor(collect: (() => void) | undefined = globalThis.gc && (() => void globalThis.gc?.()), restMs = REST_MS) {
    this.#collect = collect;
    this.#restMs = restMs;
  }

  /** Something happens. Cheap: may be called for every message. */
  touch(): void {
    this.#isTouched = true;
    if (this.#collect) this.#timer ??= this.#wait();
  }

  /** Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): NodeJS.Timeout {
    this.#isTouched = false;
    return setTimeout(() => {
      this.#timer = undefined;
      if (this.#isTouched) this.#timer = this.#wait();
      else this.#collect?.();
    }, this.#restMs).unref();
  }
}
