import { Backoff } from '../support/index.js';
import type { Release } from './contract.js';
import { UnroutedError } from './errors.js';

interface Waiting {
  readonly send: () => Promise<void>;
  readonly release: Release | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends mandatory messages until a queue takes them. While nobody takes those of an outqueue they wait in a row, and only
 * the first is tried again, from 50 ms doubling to 2 s apart; once it is taken the others follow in the order in which
 * they were sent.
 */
export class UnroutedLanes {
  readonly #signal: AbortSignal;
  readonly #isUnrouted: (error: unknown) => boolean;
  readonly #lanes = new Map<string, Waiting[]>();

  /**
   * @param signal ends all waits: what waits is rejected with its reason
   * @param isUnrouted whether an error means that no queue took the message @default UnroutedError
   */
  constructor(signal: AbortSignal, isUnrouted = (error: unknown): boolean => error instanceof UnroutedError) {
    this.#signal = signal;
    this.#isUnrouted = isUnrouted;
  }

  /**
   * @param send tries once, and rejects when no queue took the message
   * Resolves when one did, or when it was let go. Rejects with any other error of `send`.
   */
  send(outqueue: string, send: () => Promise<void>, release?: Release): Promise<void> {
    const lane = this.#lanes.get(outqueue);
    if (lane) return wait(lane, send, release);
    return send().catch((error: unknown) => {
      if (!this.#isUnrouted(error)) throw error;
      this.#signal.throwIfAborted();
      if (!release?.signal.aborted) return this.#wait(outqueue, send, release);
      return release.letGo();
    });
  }

  #wait(outqueue: string, send: () => Promise<void>, release: Release | undefined): Promise<void> {
    const lane = this.#lanes.get(outqueue);
    if (lane) return wait(lane, send, release);
    const opened: Waiting[] = [];
    const waiting = wait(opened, send, release);
    this.#lanes.set(outqueue, opened);
    void this.#work(outqueue, opened);
    return waiting;
  }

  /** Until one is taken, or nobody waits any more. Never rejects. */
  async #work(outqueue: string, lane: Waiting[]): Promise<void> {
    const backoff = new Backoff(50, 2000);
    let isTaken = false;
    for (let first = lane[0]; first && !isTaken; first = lane[0]) {
      try {
        await this.#pause(backoff, first.release);
        await first.send();
        isTaken = true;
        first.resolve();
        lane.shift();
      } catch (error) {
        if (this.#signal.aborted) break;
        if (!this.#isUnrouted(error)) first.reject(error);
        else if (first.release?.signal.aborted) letGo(first);
        else continue;
        lane.shift();
      }
    }
    // In one go, so that nothing sent from now on comes between; what is not taken after all forms a new row.
    this.#lanes.delete(outqueue);
    for (const { send, release, resolve, reject } of lane) {
      if (this.#signal.aborted) reject(this.#signal.reason);
      else this.send(outqueue, send, release).then(resolve, reject);
    }
  }

  /** Until it is time for the next try: at once when it may be the last. @throws when nobody waits any more */
  async #pause(backoff: Backoff, release: Release | undefined): Promise<void> {
    if (!release) return backoff.wait(this.#signal);
    await backoff.wait(AbortSignal.any([this.#signal, release.signal])).catch(() => this.#signal.throwIfAborted());
  }
}

function letGo({ release, resolve }: Waiting): void {
  release?.letGo();
  resolve();
}

function wait(lane: Waiting[], send: () => Promise<void>, release: Release | undefined): Promise<void> {
  return new Promise((resolve, reject) => lane.push({ send, release, resolve, reject }));
}
