/** At most `limit` holders at a time; the rest wait in order of asking. */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @throws {RangeError} unless `limit` is a whole number above zero. */
  constructor(limit: number) {
    if (!Number.isInteger(limit) || limit < 1)
      throw new RangeError(`limit must be a whole number above 0, got ${limit}`);
    this.#free = limit;
  }

  /** Takes a place if one is free: true. What is called for every message need not wait a turn for it. */
  tryAcquire(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  async acquire(): Promise<void> {
    if (this.tryAcquire()) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.acquire();
    try {
      return await work();
    } finally {
      this.release();
    }
  }
}
