import { Line } from './line.js';
import type { Pending } from './pending.js';

const TRY_EVERY_MS = 500;

/** Those who could not be written because the disk is full, in order; the first is tried again now and then. */
export class FullDisk {
  readonly line = new Line();
  readonly #retry: (first: Pending) => void;
  #trying: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(retry: (first: Pending) => void) {
    this.#retry = retry;
  }

  /** Until one of them went through. */
  get isFull(): boolean {
    return this.line.size > 0 || this.#trying !== undefined;
  }

  isTrying(pending: Pending): boolean {
    return this.#trying === pending;
  }

  add(pending: Pending): void {
    if (this.#trying === pending) this.#trying = undefined;
    pending.waitIn(this.line, 'room');
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const { first } = this.line;
      this.#trying = first;
      if (first) this.#retry(first);
    }, TRY_EVERY_MS);
  }

  /** There is room again, as far as one can tell. @returns those who waited, who are in no line now */
  leave(): readonly Pending[] {
    this.#trying = undefined;
    const { all } = this.line;
    for (const pending of all) pending.leaveLine();
    return all;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
