import type { Arrival } from './arrivals.js';
import type { Job } from './inqueue.js';
import type { Lane, SettledTeller } from './settled-teller.js';

/** A message of one inqueue, as nearly all are: one object, where closures would be several, for each that waits. */
export class OnlyJob implements Job {
  readonly arrival: Arrival;
  readonly #lane: Lane | undefined;
  readonly #number: number;
  readonly #teller: SettledTeller | undefined;

  constructor(arrival: Arrival, lane: Lane | undefined, number: number, teller: SettledTeller | undefined) {
    this.arrival = arrival;
    this.#lane = lane;
    this.#number = number;
    this.#teller = teller;
  }

  done(): void {
    this.arrival.settle();
    if (this.#lane) this.#teller?.settledIn(this.#lane, this.#number);
  }
}
