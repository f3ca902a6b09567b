import type { Subscription } from '../index.js';

/** What lives no longer than its client: a consumer, a watch, the taps, a round over dead letters. */
export interface Part {
  stop(graceMs: number): Promise<void>;
}

/** The parts of a client that are at work, to be stopped with it. */
export class Parts {
  readonly #all = new Set<Part>();

  add(part: Part): void {
    this.#all.add(part);
  }

  /** One whose work is this: it belongs to them until that is over. */
  async during<T>(part: Part, work: () => Promise<T>): Promise<T> {
    this.#all.add(part);
    try {
      return await work();
    } finally {
      this.#all.delete(part);
    }
  }

  /** One that works on once it has begun. @param stop how its user stops it */
  async begin(
    part: Part,
    begin: () => Promise<void>,
    stop: () => Promise<void> = () => part.stop(0),
  ): Promise<Subscription> {
    this.#all.add(part);
    try {
      await begin();
    } catch (error) {
      this.#all.delete(part);
      throw error;
    }
    const cancel = async (): Promise<void> => {
      await stop();
      this.#all.delete(part);
    };
    return { cancel };
  }

  async stopAll(graceMs: number): Promise<void> {
    await Promise.all([...this.#all].map((part) => part.stop(graceMs)));
  }
}
