import type { Release } from '../index.js';

/**
 * How long messages for a target that nobody is subscribed to are held. It may be on its way back: Mosquitto 2.0 forgets
 * shared subscriptions when it is restarted, until the first of those who had them asks for them again. It may as well
 * be a device that was switched off; then they are let go after `limitMs`, and at once from there on, until one is taken.
 */
export class Patience implements Release {
  readonly #limitMs: number;
  readonly #onLetGo: () => void;
  #over = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, onLetGo: () => void) {
    this.#limitMs = limitMs;
    this.#onLetGo = onLetGo;
  }

  /** Asked for when nobody took a message; from the first time on it wears out. */
  get signal(): AbortSignal {
    this.#timer ??= setTimeout(() => this.#over.abort(), this.#limitMs).unref();
    return this.#over.signal;
  }

  letGo(): void {
    this.#onLetGo();
  }

  /** Somebody took one: it begins anew. */
  renew(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#over.signal.aborted) this.#over = new AbortController();
  }
}
