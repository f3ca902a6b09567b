import { edgeKey } from '../graph/index.js';
import type { Network, Wish } from './network.js';

/**
 * Tells the network what is looked at, when that is other than before: changes of one turn together, or at once where
 * something must not begin before it is looked at.
 */
export class Wishes {
  readonly #network: Pick<Network, 'wish'>;
  readonly #all: () => Wish;
  #told = keyOf({ edges: [], packets: false, errors: false });
  #isDue = false;

  /** `all` says what is wished for now, by everybody together. */
  constructor(network: Pick<Network, 'wish'>, all: () => Wish) {
    this.#network = network;
    this.#all = all;
  }

  /** Something may be wished for that was not, or no longer. */
  changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => this.flush());
  }

  flush(): void {
    this.#isDue = false;
    const wish = this.#all();
    const key = keyOf(wish);
    if (key === this.#told) return;
    this.#told = key;
    this.#network.wish(wish);
  }
}

/** Equal for the same wish, in whatever order its edges are. */
function keyOf({ edges, packets, errors }: Wish): string {
  return JSON.stringify([edges === 'all' ? edges : edges.map(edgeKey).sort(), packets, errors]);
}
