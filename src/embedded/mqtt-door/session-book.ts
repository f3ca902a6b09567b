import type { Engine, EngineSession } from '../../engine/index.js';
import { asQueueName } from '../../names.js';
import { CleanQueues } from './clean-queues.js';
import { ClientSession } from './client-session.js';
import { KeptTable } from './kept-table.js';
import { readStoredSession, type StoredSession } from './stored-session.js';
import { OWN_PREFIX } from './topics.js';

const SHARDS = 64;
/** Who comes again sooner is not noted down again. */
const NOTED_FOR_MS = 60 * 60 * 1000;

/** The sessions that outlive their connections, and the node. */
export class SessionBook {
  readonly #engine: Engine;
  readonly #stored: KeptTable<StoredSession>;
  /** Those that were used since the node was started: they know more than what is stored. */
  readonly #known = new Map<string, ClientSession>();

  readonly #clean = new CleanQueues();

  constructor(engine: Engine, session: EngineSession) {
    this.#engine = engine;
    this.#stored = new KeptTable({ engine, session, name: '$mqtt/sessions', shards: SHARDS, read: readStoredSession });
  }

  get size(): number {
    return this.#stored.size;
  }

  /** The session of a client that connects. One that is to be clean ends the one that was there [MQTT-3.1.2-6]. */
  async begin(clientId: string, isClean: boolean): Promise<{ client: ClientSession; wasThere: boolean }> {
    const stored = this.#stored.get(clientId);
    if (isClean) {
      if (stored) await this.forget(clientId);
      return {
        client: new ClientSession({ clientId, isPersistent: false, inqueue: this.#clean.take() }),
        wasThere: false,
      };
    }
    const client = this.#known.get(clientId) ?? persistent(clientId, stored?.filters);
    this.#known.set(clientId, client);
    if (!stored || Date.now() - stored.usedAtMs > NOTED_FOR_MS) await this.remember(client);
    return { client, wasThere: stored !== undefined };
  }

  /** Resolves when its subscriptions are stored, with the time. */
  async remember(client: ClientSession): Promise<void> {
    if (!client.isPersistent) return;
    await this.#stored.put(client.clientId, { filters: client.filters, usedAtMs: Date.now() });
  }

  /** To be called when its client has gone and its queue is nobody's: notes down that it was used until now. */
  async leave(client: ClientSession): Promise<void> {
    if (!client.isPersistent) {
      this.#clean.giveBack(client.inqueue);
      return;
    }
    client.progressMs = performance.now();
    const stored = this.#stored.get(client.clientId);
    if (stored && Date.now() - stored.usedAtMs > NOTED_FOR_MS) await this.remember(client);
  }

  /** Ends a session that nobody uses: what waits in its queue is gone. */
  async forget(clientId: string): Promise<void> {
    const { inqueue } = this.#known.get(clientId) ?? persistent(clientId);
    this.#known.delete(clientId);
    // A queue that is not persistent goes with its last user, with all that was asked for it.
    const last = this.#engine.open({ id: 'mqtt-door-forgets' });
    await last.declare('inqueue', inqueue, { persistent: false });
    last.end('left');
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
    const client = persistent(clientId, filters);
    this.#known.set(clientId, client);
    return client;
  }
}

function persistent(clientId: string, filters: StoredSession['filters'] = []): ClientSession {
  return new ClientSession({
    clientId,
    isPersistent: true,
    inqueue: asQueueName(`${OWN_PREFIX}session/${clientId}`),
    filters,
  });
}
