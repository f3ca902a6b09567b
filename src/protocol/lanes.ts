import type { SubProtocol } from './wire.js';

/**
 * The order of one client's requests. In each lane one begins when the one before it has ended, so that answers come in
 * order there. What changes something begins after all such requests that came before it, whatever their lanes. An edit,
 * then, does not wait for a broker that is slow to say how the network is doing.
 */
export class Lanes {
  readonly #ended = new Map<SubProtocol, Promise<void>>();
  #changesBegun: Promise<unknown> = Promise.resolve();

  /** Resolves when the work has ended. `work` must not reject. */
  enter(
    lane: SubProtocol,
    { isChange }: { readonly isChange: boolean },
    work: () => void | Promise<void>,
  ): Promise<void> {
    const begun = Promise.all([this.#changesBegun, this.#ended.get(lane)]).then(() => ({ ended: work() }));
    const ended = begun.then((outcome) => outcome.ended);
    if (isChange) this.#changesBegun = begun;
    this.#ended.set(lane, ended);
    return ended;
  }
}
