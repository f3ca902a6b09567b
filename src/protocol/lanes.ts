import type { SubProtocol } from './wire.js';

/**
 * The order of one client's requests. All begin in the order in which they came, so that what they change is changed in
 * that order; in each lane one begins only when the one before it has ended, so that its answers come in order too. An
 * edit, then, does not wait for a broker that is slow to say how the network is doing.
 */
export class Lanes {
  readonly #ended = new Map<SubProtocol, Promise<void>>();
  #begun: Promise<unknown> = Promise.resolve();

  /** Resolves when the work has ended. `work` must not reject. */
  enter(lane: SubProtocol, work: () => void | Promise<void>): Promise<void> {
    const begun = Promise.all([this.#begun, this.#ended.get(lane)]).then(() => ({ ended: work() }));
    const ended = begun.then((outcome) => outcome.ended);
    this.#begun = begun;
    this.#ended.set(lane, ended);
    return ended;
  }
}
