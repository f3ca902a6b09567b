import type { Inport } from './inport.js';

export interface AcquireOptions {
  /** All permits at once: no other call of process() runs beside it. @default false */
  readonly alone?: boolean;
  /** It waits for however long. @default false */
  readonly keep?: boolean;
}

/** Who may call process(): each call takes a permit and gives it back. Not to be taken for the slots of brokers. */
export interface Permits {
  /** Takes a permit if there is one at once. What is called for every message need not wait a turn for it. */
  tryAcquire(inport: Inport): boolean;
  /** Resolves with true when there is a permit, with false when the message is to be given back. */
  acquire(inport: Inport, options?: AcquireOptions): Promise<boolean>;
  /** @param alone as it was acquired */
  release(inport: Inport, alone: boolean): void;
  /** Who waits is given back, now and later. */
  stop(): void;
}

interface Waiting {
  readonly permits: number;
  readonly resolve: (isAcquired: boolean) => void;
}

/** In order of asking, whatever the port. */
export class EqualPermits implements Permits {
  readonly #limit: number;
  readonly #waiting: Waiting[] = [];
  #free: number;
  #stopped = false;

  constructor(limit: number) {
    this.#limit = limit;
    this.#free = limit;
  }

  tryAcquire(): boolean {
    // One that wants all of them may be waiting although some are free.
    if (this.#free === 0 || this.#waiting.length > 0) return false;
    this.#free -= 1;
    return true;
  }

  async acquire(_inport: Inport, { alone = false }: AcquireOptions = {}): Promise<boolean> {
    if (this.#stopped) return false;
    return new Promise((resolve) => {
      this.#waiting.push({ permits: alone ? this.#limit : 1, resolve });
      this.#next();
    });
  }

  release(_inport: Inport, alone: boolean): void {
    this.#free += alone ? this.#limit : 1;
    if (this.#waiting.length > 0) this.#next();
  }

  stop(): void {
    this.#stopped = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve(false);
  }

  #next(): void {
    for (let first = this.#waiting[0]; first && first.permits <= this.#free; first = this.#waiting[0]) {
      this.#free -= first.permits;
      this.#waiting.shift();
      first.resolve(true);
    }
  }
}

/** For participants that share a process: as many permits as they like, and all of them for who must be alone in it. */
export function permitsOfProcess(): Permits {
  return new EqualPermits(Number.MAX_SAFE_INTEGER);
}
