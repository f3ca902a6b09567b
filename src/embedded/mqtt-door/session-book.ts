import { type Engine, EngineRefusedError, type EngineSession } from '../../engine/index.js';
import type { QueueName } from '../../names.js';
import { ClientSession } from './client-session.js';
import { discardOldest } from './discarder.js';
import { Facts, readStoredSession, type StoredSession } from './facts.js';

const SHARDS = 64;
/** Who comes again sooner is not noted down again. */
const NOTED_FOR_MS = 60 * 60 * 1000;

/** The sessions that outlive their connections, and the node. */
export class SessionBook {
  readonly #engine: Engine;
  readonly #session: EngineSession;
  readonly #stored: Facts<StoredSession>;
  /** Those that were used since the node was started: they know more than what is stored. */
  readonly #known = new Map<string, ClientSession>();

  constructor(engine: Engine, session: EngineSession) {
    this.#engine = engine;
    this.#session = session;
    this.#stored = new Facts({ engine, session, name: '$mqtt/sessions', shards: SHARDS, read: readStoredSession });
  }

  get size(): number {
    return this.#stored.size;
  }

  /** The session of a client that connects. One that is to be clean ends the one that was there [MQTT-3.1.2-6]. */
  async begin(clientId: string, isClean: boolean): Promise<{ client: ClientSession; wasThere: boolean }> {
    const stored = this.#stored.get(clientId);
    if (isClean) {
      if (stored) await this.forget(clientId);
      return { client: new ClientSession(clientId, false), wasThere: false };
    }
    const client = this.#known.get(clientId) ?? new ClientSession(clientId, true, stored?.filters);
    this.#known.set(clientId, client);
    if (!stored || Date.now() - stored.usedAtMs > NOTED_FOR_MS) await this.remember(client);
    return { client, wasThere: stored !== undefined };
  }

  /** Resolves when its subscriptions are stored, with the time. */
  async remember(client: ClientSession): Promise<void> {
    if (!client.isPersistent) return;
    await this.#stored.put(client.clientId, { filters: client.filters, usedAtMs: Date.now() });
  }

  /** Notes down that it was used until now. */
  async leave(client: ClientSession): Promise<void> {
    client.progressMs = performance.now();
    const stored = this.#stored.get(client.clientId);
    if (stored && Date.now() - stored.usedAtMs > NOTED_FOR_MS) await this.remember(client);
  }

  /** Ends a session: what waits in its queue is gone. */
  async forget(clientId: string): Promise<void> {
    const { inqueue } = this.#known.get(clientId) ?? new ClientSession(clientId, true);
    this.#known.delete(clientId);
    try {
      await this.#engine.subscribe(inqueue, []);
      await this.#empty(inqueue);
    } catch (error) {
      // Who never subscribed to anything has no queue.
      if (!(error instanceof EngineRefusedError)) throw error;
    }
    await this.#stored.delete(clientId);
  }

  /** Those that may have a queue, with the time of their last use in ms since 1970. */
  *stored(): Generator<readonly [ClientSession, number]> {
    for (const [clientId, { filters, usedAtMs }] of this.#stored.entries())
      yield [this.#known.get(clientId) ?? this.#recall(clientId, filters), usedAtMs];
  }

  async settled(): Promise<void> {
    await this.#stored.settled();
  }

  #recall(clientId: string, filters: StoredSession['filters']): ClientSession {
    const client = new ClientSession(clientId, true, filters);
    this.#known.set(clientId, client);
    return client;
  }

  async #empty(queue: QueueName): Promise<void> {
    const waiting = (): number => {
      const [depth] = this.#engine.depths([queue]);
      return depth ? depth.ready + depth.unacked : 0;
    };
    const count = waiting();
    if (count > 0) await discardOldest(this.#session, queue, { count, isEnough: () => waiting() === 0 });
  }
}
