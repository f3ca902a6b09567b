import { messageOf } from '../../errors.js';
import { asQueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import { type Binding, UnroutedError, UnroutedLanes } from '../index.js';
import type { Arrival } from './arrivals.js';
import type { Outlet } from './outlet.js';
import { Patience } from './patience.js';
import { NO_SUBSCRIBERS } from './sender.js';
import { topicOf } from './topics.js';

export interface ForwardingOptions {
  readonly outlet: Outlet;
  readonly log: Logger;
  /** Ends all waiting; what waits is not settled, and comes to the next router. */
  readonly signal: AbortSignal;
  /** How long a message is held that nobody takes. @default 10000 */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 10_000;

/**
 * Sends what arrives on a source to all its targets, as it is, and settles it when all have been confirmed. While nobody
 * is subscribed to a target its messages wait in a row, for a bounded time (see `Patience`).
 */
export class Forwarding {
  /** Topics of the targets, by topic of the source. */
  #targets: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  readonly #patience = new Map<string, Patience>();
  readonly #options: ForwardingOptions;
  readonly #lanes: UnroutedLanes;
  #unheard = 0;

  constructor(options: ForwardingOptions) {
    this.#options = options;
    this.#lanes = new UnroutedLanes(options.signal);
  }

  /** The topics to be subscribed to. */
  get sources(): readonly string[] {
    return [...this.#targets.keys()];
  }

  use(routes: Iterable<Binding>): void {
    const targets = new Map<string, Set<string>>();
    for (const { source, target } of routes) {
      if (source === target) continue;
      const topic = topicOf(source);
      targets.set(topic, (targets.get(topic) ?? new Set()).add(topicOf(target)));
    }
    this.#targets = targets;
    const topics = new Set([...targets.values()].flatMap((some) => [...some]));
    for (const topic of this.#patience.keys()) if (!topics.has(topic)) this.#patience.delete(topic);
  }

  /** Returns false for what comes from no source. */
  take(arrival: Arrival): boolean {
    const targets = this.#targets.get(arrival.message.topic);
    if (!targets) return false;
    const { payload, headers } = arrival.message;
    const sent = Promise.all([...targets].map((topic) => this.#send(topic, payload, headers)));
    sent.then(
      () => arrival.settle(),
      (error) => this.#options.log.debug(`not forwarded, comes again: ${messageOf(error)}`),
    );
    return true;
  }

  #send(topic: string, payload: Buffer, headers: Readonly<Record<string, string>>): Promise<void> {
    const patience = this.#patienceFor(topic);
    const send = async (): Promise<void> => {
      const reason = await this.#options.outlet.publish({ topic, payload, headers });
      if (reason === NO_SUBSCRIBERS) throw new UnroutedError(asQueueName(topic));
      patience.renew();
    };
    return this.#lanes.send(topic, send, patience);
  }

  #patienceFor(topic: string): Patience {
    const known = this.#patience.get(topic);
    if (known) return known;
    const { patienceMs = PATIENCE_MS } = this.#options;
    const patience = new Patience(patienceMs, () => this.#dropped(topic));
    this.#patience.set(topic, patience);
    return patience;
  }

  #dropped(topic: string): void {
    const { log } = this.#options;
    this.#unheard += 1;
    log.warnOnce(`unheard:${topic}`, `nobody is subscribed to '${topic}': what is forwarded to it is dropped`);
    log.debug(`${this.#unheard} messages forwarded that nobody took`);
  }
}
