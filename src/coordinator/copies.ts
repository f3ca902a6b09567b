import type { Broker } from '../transport/index.js';
import { type CoordinatorEvent, type CopySources, copySources, eventsOfCopy } from './events.js';
import type { Desired, Observed } from './state.js';
import { TapBoard } from './tap-board.js';

export interface CopiesOptions {
  readonly broker: Broker;
  readonly look: () => { readonly desired: Desired; readonly observed: Observed };
  /** Called with what each copy tells of the graph. */
  readonly tell: (event: CoordinatorEvent) => void;
}

/** Copies of what leaves tapped outports, told as what they are in the graph. */
export class Copies {
  readonly taps: TapBoard;
  readonly #options: CopiesOptions;
  /** Made at the first copy after each change. */
  #sources: CopySources | undefined;

  constructor(options: CopiesOptions) {
    this.#options = options;
    this.taps = new TapBoard(options.broker, (outqueue, delivery) => {
      for (const event of eventsOfCopy(outqueue, delivery, this.#sourcesNow())) options.tell(event);
    });
  }

  /** Something is wanted or there that was not before. */
  changed(): void {
    this.#sources = undefined;
  }

  #sourcesNow(): CopySources {
    if (!this.#sources) {
      const { desired, observed } = this.#options.look();
      this.#sources = copySources(desired, observed);
    }
    return this.#sources;
  }
}
