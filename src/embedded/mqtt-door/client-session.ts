import type { QueueName } from '../../names.js';
import { engineFilter, isNotice, isPattern, matches } from './topics.js';

/** Topics whose QoS is remembered, so that it need not be looked for with each message. */
const MAX_KNOWN = 10_000;

export interface ClientSessionOptions {
  readonly clientId: string;
  readonly isPersistent: boolean;
  readonly inqueue: QueueName;
  /** With the QoS granted. @default none */
  readonly filters?: readonly (readonly [string, number])[];
}

/** What a client is subscribed to, its queue, and what it has half sent. Outlives the connection where it is persistent. */
export class ClientSession {
  readonly clientId: string;
  readonly isPersistent: boolean;
  /** Holds what is to be delivered; made with the first subscription that needs it. */
  readonly inqueue: QueueName;
  /** Messages at QoS 2, by packet id, of which no PUBREL has come: `done` has those that wait to hear that it is taken. */
  readonly halfSent = new Map<number, { isTaken: boolean; readonly waiting: (() => void)[] }>();
  /** When something was last settled, or the queue had nothing, in ms of performance.now(). */
  progressMs = performance.now();
  readonly #filters: Map<string, number>;
  readonly #known = new Map<string, number | undefined>();

  constructor({ clientId, isPersistent, inqueue, filters = [] }: ClientSessionOptions) {
    this.clientId = clientId;
    this.isPersistent = isPersistent;
    this.inqueue = inqueue;
    this.#filters = new Map(filters);
  }

  /** With the QoS granted. */
  get filters(): readonly (readonly [string, number])[] {
    return [...this.#filters];
  }

  get notices(): readonly string[] {
    return [...this.#filters.keys()].filter(isNotice);
  }

  /** What its queue is to get. Those of notices are none: these go beside the queues. */
  get engineFilters(): readonly string[] {
    return [...this.#filters.keys()].filter((filter) => !isNotice(filter)).map(engineFilter);
  }

  add(filter: string, qos: number): void {
    this.#filters.set(filter, qos);
    this.#known.clear();
  }

  /** False where there was none. */
  remove(filter: string): boolean {
    this.#known.clear();
    return this.#filters.delete(filter);
  }

  /** The highest QoS of those that take a topic; undefined where none does (any more). */
  qosOf(topic: string): number | undefined {
    if (this.#known.has(topic)) return this.#known.get(topic);
    // Who asked for a notice by name is told it beside the queue.
    const isTold = isNotice(topic) && this.#filters.has(topic);
    let qos = isTold ? undefined : this.#filters.get(topic);
    for (const [filter, granted] of this.#filters)
      if (!isTold && isPattern(filter) && matches(filter, topic)) qos = Math.max(qos ?? 0, granted);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(topic, qos);
    return qos;
  }
}
