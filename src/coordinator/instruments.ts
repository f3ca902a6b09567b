import type { ParticipantId } from '../names.js';
import type { Logger } from '../support/index.js';
import type { Broker } from '../transport/index.js';
import { CountersFeed } from './counters-feed.js';
import { Figures, type NetworkFigures, type QueueReport } from './figures.js';
import { LossWatch } from './loss-watch.js';
import type { Desired, Observed } from './state.js';

export interface InstrumentsOptions {
  readonly broker: Broker;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** What is wanted and what is there, just now. */
  readonly look: () => { readonly desired: Desired; readonly observed: Observed };
  /** Called with each line about messages that the broker dropped. */
  readonly tell: (message: string) => void;
}

/** Where the broker does not tell what waits, it is estimated from what is counted: looked at so often, in ms. */
const LOOK_EVERY_MS = 5000;
/** So many more looks when nothing is counted any more: that it stays so tells too. */
const QUIET_LOOKS = 2;

/** A network in numbers: what its participants count, what waits at the broker, what the broker dropped. */
export class Instruments {
  readonly #look: InstrumentsOptions['look'];
  readonly #broker: Broker;
  readonly #counters: CountersFeed;
  readonly #figures: Figures;
  readonly #losses: LossWatch;
  #looker: NodeJS.Timeout | undefined;
  #messagesBefore = 0;
  #quietLooks = 0;

  constructor({ broker, log, nowMs, look, tell }: InstrumentsOptions) {
    this.#look = look;
    this.#broker = broker;
    this.#counters = new CountersFeed(broker, log, { nowMs });
    this.#figures = new Figures(broker, this.#counters, nowMs);
    this.#losses = new LossWatch({ broker, log, tell });
  }

  /** Messages that the broker itself dropped, as far as it tells, since the start. */
  get lostMessages(): number {
    return this.#losses.messages;
  }

  /** @param remembered participants that were at work before */
  async start(remembered: Iterable<ParticipantId>): Promise<void> {
    this.#counters.expect(remembered);
    await this.#counters.start();
    await this.#losses.start();
    if (!this.#broker.capabilities.depths) this.#looker = setInterval(() => this.#lookAtCounts(), LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#looker);
    await this.#counters.stop();
    await this.#losses.stop();
  }

  /** A participant has announced itself. */
  heard(id: ParticipantId): void {
    this.#counters.heard(id);
  }

  /** A participant is gone; what it has done stays in the totals of its role. */
  forget(id: ParticipantId): void {
    this.#counters.forget(id);
  }

  /** Takes note of what is wanted and connected. To be called at every change. */
  note(desired: Desired, observed: Observed): void {
    this.#counters.keepRoles(desired.roles);
    this.#figures.note(desired, observed);
  }

  /** Messages are waiting or in hand, as far as the broker and the participants tell. */
  isBusy(): Promise<boolean> {
    return this.#figures.isBusy(this.#look);
  }

  /** The queues at the ends of the edges whose targets are known. */
  queues(): Promise<readonly QueueReport[]> {
    const { desired, observed } = this.#look();
    return this.#figures.queues(desired, observed);
  }

  /** All there is. @param maxPorts as in `Figures.network` */
  network(maxPorts: number): Promise<NetworkFigures> {
    const { desired, observed } = this.#look();
    return this.#figures.network(desired, observed, maxPorts);
  }
  #lookAtCounts(): void {
    const { messages } = this.#counters;
    this.#quietLooks = messages === this.#messagesBefore ? this.#quietLooks + 1 : 0;
    this.#messagesBefore = messages;
    if (this.#quietLooks > QUIET_LOOKS) return;
    const { desired, observed } = this.#look();
    this.#figures.note(desired, observed);
  }
}
