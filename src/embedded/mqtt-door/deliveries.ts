import type { EngineConsumer, EngineDelivery, EngineSession, EngineSettlement } from '../../engine/index.js';
import { readHeaders } from '../../log/index.js';
import type { ClientSession } from './client-session.js';
import type { Outbox } from './outbox.js';
import { topicOf } from './topics.js';
import { publish } from './write-packet.js';

/** Says of a message in a session's queue that it is the retained one of this topic. */
export const RETAINED_HEADER = 'mqtt-retained';

const MAX_ID = 65_535;
const ACK: EngineSettlement = { verdict: 'ack', outputs: [] };
const ignore = (): void => undefined;

/** Held for each client, in multiples of what it may have unacknowledged: the next are there while the last are settled. */
const AHEAD = 6;

export interface DeliveriesOptions {
  readonly client: ClientSession;
  readonly session: EngineSession;
  readonly outbox: Outbox;
  /** Messages on their way that the client has not acknowledged. */
  readonly prefetch: number;
}

/** Takes from the queue of one session what the client has room for, and settles what it acknowledges. */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** Tags by packet id. */
  readonly #unacknowledged = new Map<number, number>();
  /** Taken, and not sent for want of room. */
  #waiting: EngineDelivery[] = [];
  #consumer: EngineConsumer | undefined;
  #lastId = 0;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Idempotent. @throws {EngineRefusedError} while there is no such queue */
  start(): void {
    const { session, client, prefetch } = this.#options;
    this.#consumer ??= session.consume(client.inqueue, prefetch * AHEAD, (delivery) => {
      if (this.#hasRoom && this.#waiting.length === 0) this.#give(delivery);
      else this.#waiting.push(delivery);
    });
  }

  /** What was delivered under this packet id is settled; of ids that are none of ours nothing is said. */
  acknowledge(id: number): void {
    const tag = this.#unacknowledged.get(id);
    if (tag === undefined) return;
    this.#unacknowledged.delete(id);
    this.#settle(tag);
    let given = 0;
    for (; this.#hasRoom; given += 1) {
      const next = this.#waiting[given];
      if (!next) break;
      this.#give(next);
    }
    if (given > 0) this.#waiting.splice(0, given);
  }

  end(): void {
    this.#consumer?.end();
    this.#consumer = undefined;
    this.#unacknowledged.clear();
    this.#waiting = [];
  }

  get #hasRoom(): boolean {
    return this.#unacknowledged.size < this.#options.prefetch;
  }

  #give({ tag, source, headers, body, redelivered }: EngineDelivery): void {
    const { client, outbox } = this.#options;
    // Copies say where they come from; what was sent to the queue itself only the door can have sent.
    const retained = source === undefined ? readHeaders(headers).headers[RETAINED_HEADER] : undefined;
    const topic = retained ?? (source === undefined ? undefined : topicOf(source));
    const qos = topic === undefined ? undefined : client.qosOf(topic);
    // It was sent before the subscription ended.
    if (topic === undefined || qos === undefined) {
      process.nextTick(() => this.#settle(tag));
      return;
    }
    const message = { topic, payload: body, retain: retained !== undefined };
    if (qos === 0) {
      outbox.send(publish({ ...message, id: 0 }), () => this.#settle(tag));
      return;
    }
    const id = this.#nextId();
    this.#unacknowledged.set(id, tag);
    outbox.send(publish({ ...message, id, dup: redelivered }));
  }

  #settle(tag: number): void {
    this.#options.client.progressMs = performance.now();
    this.#consumer?.settle(tag, ACK, ignore);
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % MAX_ID) + 1;
    while (this.#unacknowledged.has(this.#lastId));
    return this.#lastId;
  }
}
