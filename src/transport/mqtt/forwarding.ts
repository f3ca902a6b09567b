import { messageOf } from '../../errors.js';
import type { Logger } from '../../support/index.js';
import type { Binding } from '../index.js';
import type { Arrival } from './arrivals.js';
import type { Outlet } from './outlet.js';
import { NO_SUBSCRIBERS } from './sender.js';
import { topicOf } from './topics.js';

/** Sends what arrives on a source to all its targets, as it is, and settles it when all have been confirmed. */
export class Forwarding {
  /** Topics of the targets, by topic of the source. */
  #targets: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  readonly #outlet: Outlet;
  readonly #log: Logger;
  #unheard = 0;

  constructor(outlet: Outlet, log: Logger) {
    this.#outlet = outlet;
    this.#log = log;
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
  }

  /** Returns false for what comes from no source. */
  take(arrival: Arrival): boolean {
    const targets = this.#targets.get(arrival.message.topic);
    if (!targets) return false;
    const { payload, headers } = arrival.message;
    const sent = Promise.all([...targets].map((topic) => this.#send(topic, payload, headers)));
    sent.then(
      () => arrival.settle(),
      (error) => this.#log.debug(`not forwarded, comes again: ${messageOf(error)}`),
    );
    return true;
  }

  async #send(topic: string, payload: Buffer, headers: Readonly<Record<string, string>>): Promise<void> {
    const reason = await this.#outlet.publish({ topic, payload, headers });
    if (reason !== NO_SUBSCRIBERS) return;
    this.#unheard += 1;
    this.#log.warnOnce(`unheard:${topic}`, `nobody is subscribed to '${topic}': what is forwarded to it is dropped`);
    this.#log.debug(`${this.#unheard} messages forwarded that nobody took`);
  }
}
