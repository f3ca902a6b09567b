import type { Engine, EngineSession, Stop } from '../../engine/index.js';
import { writeHeaders } from '../../log/index.js';
import type { Logger } from '../../support/index.js';
import type { ClientSession } from './client-session.js';
import { type Deliveries, RETAINED_HEADER } from './deliveries.js';
import { MqttClientError } from './errors.js';
import type { Outbox } from './outbox.js';
import type { SubscribePacket, UnsubscribePacket, Wish } from './packets.js';
import type { RetainedTopics } from './retained-topics.js';
import { isFilter, isNotice, nameOf } from './topics.js';
import { publish, suback, unsuback } from './write-packet.js';

const REFUSED = 0x80;
const MAX_FILTERS = 1000;
/** Retained messages that are put into the queue of a new subscriber together. */
const RETAINED_AT_ONCE = 64;

export interface SubscriptionsOptions {
  readonly engine: Engine;
  readonly session: EngineSession;
  readonly client: ClientSession;
  readonly deliveries: Deliveries;
  readonly retained: RetainedTopics;
  readonly outbox: Outbox;
  readonly log: Logger;
  /** Remembers the subscriptions of a session that outlives its connection. */
  remember(): Promise<void>;
}

/** What one client is subscribed to: queues by way of its own queue, notices beside it. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #watched = new Map<string, Stop>();
  #isOver = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Takes up those of a session that was there before. */
  async resume(): Promise<void> {
    const { client } = this.#options;
    if (client.engineFilters.length > 0) await this.#open();
    for (const notice of client.notices) this.#watch(notice);
  }

  /** Resolves when all counts that was granted. */
  async subscribe({ id, wishes }: SubscribePacket): Promise<void> {
    const { client, outbox, remember } = this.#options;
    const codes = wishes.map((wish) => this.#grant(wish));
    const granted = wishes.map(({ filter }) => filter).filter((_, at) => codes[at] !== REFUSED);
    if (granted.length > 0) {
      if (client.engineFilters.length > 0) await this.#open();
      await remember();
    }
    if (this.#isOver) return;
    outbox.send([suback(id, codes)]);
    for (const filter of granted.filter(isNotice)) this.#watch(filter);
    // They come by the queue like all others, so that none of them overtakes what was sent later.
    for (const filter of granted) if (!isNotice(filter)) void this.#queueRetained(filter);
  }

  async unsubscribe({ id, filters }: UnsubscribePacket): Promise<void> {
    const { client, engine, outbox, remember } = this.#options;
    const hadQueue = client.engineFilters.length > 0;
    const removed = filters.filter((filter) => client.remove(filter));
    for (const filter of removed) this.#unwatch(filter);
    if (removed.length > 0) {
      if (hadQueue) await engine.subscribe(client.inqueue, client.engineFilters);
      await remember();
    }
    outbox.send([unsuback(id)]);
  }

  end(): void {
    this.#isOver = true;
    for (const filter of [...this.#watched.keys()]) this.#unwatch(filter);
  }

  #grant({ filter, qos }: Wish): number {
    const { client, log } = this.#options;
    if (filter.startsWith('$share/')) {
      log.warnOnce(
        'mqtt-share',
        `mqtt: '${filter.slice(0, 60)}' was refused: there are no shared subscriptions over MQTT here. Those who are to share ` +
          'the messages of a queue take them over log:// (docs/mqtt-door.md)',
      );
      return REFUSED;
    }
    if (!isFilter(filter)) throw new MqttClientError(`'${filter.slice(0, 60)}' is no topic filter, or too long`);
    // Of queues of this door nobody gets copies.
    if (filter.startsWith('$')) return REFUSED;
    if (client.filters.length >= MAX_FILTERS && !client.filters.some(([known]) => known === filter)) return REFUSED;
    const granted = Math.min(qos, 1);
    client.add(filter, granted);
    return granted;
  }

  async #open(): Promise<void> {
    const { engine, session, client, deliveries } = this.#options;
    await session.declare('inqueue', client.inqueue, { persistent: client.isPersistent });
    await engine.subscribe(client.inqueue, client.engineFilters);
    if (!this.#isOver) deliveries.start();
  }

  #watch(filter: string): void {
    const { session, outbox } = this.#options;
    this.#unwatch(filter);
    const stop = session.watch(nameOf(filter), (body, retain) => {
      if (!this.#isOver) outbox.send(publish({ topic: filter, payload: body, id: 0, retain }));
    });
    this.#watched.set(filter, stop);
  }

  #unwatch(filter: string): void {
    this.#watched.get(filter)?.();
    this.#watched.delete(filter);
  }

  /** Never rejects. A client that goes in the middle of it subscribes again. */
  async #queueRetained(filter: string): Promise<void> {
    const { session, client, retained } = this.#options;
    const topics = retained.matching(filter);
    for (let at = 0; at < topics.length && !this.#isOver; at += RETAINED_AT_ONCE) {
      const sent = topics.slice(at, at + RETAINED_AT_ONCE).map((topic) => {
        const body = retained.get(topic);
        if (!body) return undefined;
        const headers = writeHeaders({ [RETAINED_HEADER]: topic });
        return new Promise<void>((done) => {
          session.send({ kind: 'inqueue', name: client.inqueue, headers, body }, () => done());
        });
      });
      await Promise.all(sent);
    }
  }
}
