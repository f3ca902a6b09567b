import type { Pending } from './pending.js';

const TRY_EVERY_MS = 500;

/** Those who could not be written because the disk is full, in order; the first is tried again now and then. */
export class FullDisk {
  readonly line = new Set<Pending>();
  readonly #retry: (first: Pending) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(retry: (first: Pending) => void) {
    this.#retry = retry;
  }

  get isFull(): boolean {
    return this.line.size > 0;
  }

  /** @param isFirst it was tried again: it stays before the others */
  add(pending: Pending, isFirst: boolean): void {
    const behind = isFirst ? [...this.line] : [];
    pending.waitIn(this.line, 'room');
    for (const other of behind) other.waitIn(this.line, 'room');
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const [first] = this.line;
      if (first) this.#retry(first);
    }, TRY_EVERY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
