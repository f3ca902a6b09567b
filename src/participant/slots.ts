import type { Inport } from './inport.js';

export interface AcquireOptions {
  /** All slots at once: no other call of process() runs beside it. @default false */
  readonly alone?: boolean;
  /** It waits for however long. @default false */
  readonly keep?: boolean;
}

/** Places that calls of process() take. */
export interface Slots {
  /** Takes a place if there is one at once. What is called for every message need not wait a turn for it. */
  tryAcquire(inport: Inport): boolean;
  /** Resolves with true when there is a place, with false when the message is to be given back. */
  acquire(inport: Inport, options?: AcquireOptions): Promise<boolean>;
  /** @param alone as it was acquired */
  release(inport: Inport, alone: boolean): void;
  /** Who waits is given back, now and later. */
  stop(): void;
}

interface Waiting {
  readonly places: number;
  readonly resolve: (isAcquired: boolean) => void;
}

/** In order of asking, whatever the port. */
export class EqualSlots implements Slots {
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
      this.#waiting.push({ places: alone ? this.#limit : 1, resolve });
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
    for (let first = this.#waiting[0]; first && first.places <= this.#free; first = this.#waiting[0]) {
      this.#free -= first.places;
      this.#waiting.shift();
      first.resolve(true);
    }
  }
}

/** For participants that share a process: as many places as they like, and all of them for who must be alone in it. */
export function placesOfProcess(): Slots {
  return new EqualSlots(Number.MAX_SAFE_INTEGER);
}
