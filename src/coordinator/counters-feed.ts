import { COUNTERS_NOTICE, type Counters, readCounters } from '../discovery/index.js';
import type { ParticipantId, PortName, Role } from '../names.js';
import type { Logger } from '../support/index.js';
import type { Broker, Subscription } from '../transport/index.js';

/** What the participants of a role have taken and settled at an inport since they began. */
export interface InportCounts {
  readonly taken: number;
  readonly settled: number;
}

/** The latest counters of each participant that sends any: anybody at the broker may, so they are bounded in number. */
export class CountersFeed {
  readonly #broker: Broker;
  readonly #log: Logger;
  readonly #limit: number;
  readonly #latest = new Map<ParticipantId, Counters>();
  #subscription: Subscription | undefined;

  /** @param limit most participants known at a time; of further ones nothing is taken in */
  constructor(broker: Broker, log: Logger, limit = 20_000) {
    this.#broker = broker;
    this.#log = log;
    this.#limit = limit;
  }

  async start(): Promise<void> {
    this.#subscription = await this.#broker.watch(COUNTERS_NOTICE, (body) => {
      const read = readCounters(body);
      if (read.kind === 'counters') this.#take(read.counters);
      else this.#log.warnOnce(read.reason, `${read.reason}; it is ignored`);
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.cancel();
  }

  /** The participant is gone; what it counted counts no more. */
  forget(id: ParticipantId): void {
    this.#latest.delete(id);
  }

  /** Some participant of these roles has messages in hand. */
  isAnyBusy(roles: ReadonlySet<Role>): boolean {
    return [...this.#latest.values()].some(({ role, inHand }) => inHand > 0 && roles.has(role));
  }

  /** Undefined when nobody of the role counts. */
  ofInport(role: Role, port: PortName): InportCounts | undefined {
    let sum: InportCounts | undefined;
    for (const counters of this.#latest.values()) {
      const counts = counters.role === role ? counters.inports[port] : undefined;
      if (!counts) continue;
      sum = { taken: (sum?.taken ?? 0) + counts.taken, settled: (sum?.settled ?? 0) + counts.settled };
    }
    return sum;
  }

  #take(counters: Counters): void {
    const { id } = counters;
    if (this.#latest.has(id) || this.#latest.size < this.#limit) this.#latest.set(id, counters);
    else this.#log.warnOnce('counters refused', `too many participants count: '${id}' and more are left out`);
  }
}
