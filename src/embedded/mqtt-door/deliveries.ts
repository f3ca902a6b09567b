import type { EngineConsumer, EngineDelivery, EngineSession, EngineSettlement } from '../../engine/index.js';
import type { ClientSession } from './client-session.js';
import { MqttClientError } from './errors.js';
import type { Outbox } from './outbox.js';
import { topicOf } from './topics.js';
import { publish } from './write-packet.js';

/** Says of a message in a session's queue that it is the retained one of this topic. */
export const RETAINED_HEADER = 'mqtt-retained';

const MAX_ID = 65_535;
const ACK: EngineSettlement = { verdict: 'ack', outputs: [] };
const ignore = (): void => undefined;

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
  #consumer: EngineConsumer | undefined;
  #lastId = 0;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Idempotent. @throws {EngineRefusedError} while there is no such queue */
  start(): void {
    const { session, client, prefetch } = this.#options;
    this.#consumer ??= session.consume(client.inqueue, prefetch, (delivery) => this.#take(delivery));
  }

  /** What was delivered under this packet id is settled; of ids that are none of ours nothing is said [MQTT-4.3.2]. */
  acknowledge(id: number): void {
    const tag = this.#unacknowledged.get(id);
    if (tag === undefined) return;
    this.#unacknowledged.delete(id);
    this.#settle(tag);
  }

  end(): void {
    this.#consumer?.end();
    this.#consumer = undefined;
    this.#unacknowledged.clear();
  }

  #take({ tag, source, headers, body, redelivered }: EngineDelivery): void {
    const { client, outbox } = this.#options;
    const retained = headers[RETAINED_HEADER];
    const topic = retained ?? (source === undefined ? undefined : topicOf(source));
    const qos = topic === undefined ? undefined : client.qosOf(topic);
    // It was sent before the subscription ended, or to the queue itself, where only the door sends.
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
    for (let tries = 0; tries < MAX_ID; tries += 1) {
      this.#lastId = (this.#lastId % MAX_ID) + 1;
      if (!this.#unacknowledged.has(this.#lastId)) return this.#lastId;
    }
    throw new MqttClientError('no packet id is free');
  }
}
