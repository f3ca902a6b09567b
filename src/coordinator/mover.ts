import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../errors.js';
import type { QueueName, Role } from '../names.js';
import { Backoff, type Logger, timeLimit } from '../support/index.js';
import type { Broker, Client, ClientOptions, Handler } from '../transport/index.js';
import type { QueueMove } from './steps.js';

/** Opens a further client at the same broker; not connected yet. */
export type OpenClient = (options: ClientOptions) => Promise<Client>;

export interface MoverOptions {
  readonly broker: Broker;
  /** Needed where messages wait in sessions (a broker that does not bind); absent: they stay where they are. */
  readonly openClient: OpenClient | undefined;
  readonly log: Logger;
  /** False when the move is not to be made any more: the old name is there again. */
  readonly isWanted: (from: Role) => boolean;
  /** Called when all that waited for `from` has been moved. */
  readonly moved: (from: Role) => void;
}

/** Nothing came for so long, in ms: nothing is left. */
const IDLE_MS = 500;
const PREFETCH = 50;
const CONNECT_WITHIN_MS = 10_000;

/**
 * Moves what waits in the inqueues of renamed roles, beside everything else and until it is done. Each message is taken
 * from the old queue only when the new one has it: a crash in between makes a duplicate. Moved messages mix with those
 * that come to the new name meanwhile.
 *
 * Where the broker has no queues but sessions, each slot of the old name holds its own share: it is taken over, emptied
 * and given up.
 */
export class Mover {
  readonly #options: MoverOptions;
  readonly #moving = new Map<Role, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: MoverOptions) {
    this.#options = options;
  }

  /** Roles whose messages are on the move. */
  get moving(): ReadonlySet<Role> {
    return new Set(this.#moving.keys());
  }

  begin(move: QueueMove): void {
    if (this.#moving.has(move.from) || this.#stopping.signal.aborted) return;
    const done = this.#move(move).finally(() => this.#moving.delete(move.from));
    this.#moving.set(move.from, done);
  }

  /** What was not moved yet is left for the next coordinator. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#moving.values());
  }

  async #move(move: QueueMove): Promise<void> {
    const { log, moved } = this.#options;
    const { signal } = this.#stopping;
    const backoff = new Backoff(500, 10_000);
    while (!signal.aborted) {
      try {
        const count = await this.#drain(move);
        if (signal.aborted) return;
        if (move.queues.length > 0)
          log.info(`role '${move.from}' is '${move.to}' now: ${count} waiting messages were moved`);
        return moved(move.from);
      } catch (error) {
        log.warnOnce(`move ${move.from}`, `could not move what waits for '${move.from}': ${messageOf(error)}`);
        await backoff.wait(signal).catch(() => undefined);
      }
    }
  }

  /** @returns how many messages were moved */
  async #drain(move: QueueMove): Promise<number> {
    const { broker, openClient } = this.#options;
    if (broker.capabilities.binds) return this.#drainAll(broker, move);
    const { from, slots } = move;
    let count = 0;
    for (const slot of openClient ? slots : []) {
      const client = await openClient?.({ id: `msgflo-move-${from}-${slot}`, slot, givesUpSlot: true });
      if (!client) continue;
      const limit = timeLimit(CONNECT_WITHIN_MS, this.#stopping.signal);
      try {
        await client.connect({ signal: limit.signal });
        count += await this.#drainAll(client, move);
      } finally {
        limit.end();
        await client.close();
      }
    }
    return count;
  }

  async #drainAll(client: Client, { from, queues }: QueueMove): Promise<number> {
    const results = await Promise.allSettled(queues.map((each) => this.#drainQueue(client, from, each)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return results.reduce((sum, result) => sum + (result.status === 'fulfilled' ? result.value : 0), 0);
  }

  async #drainQueue(client: Client, role: Role, { from, to, sources }: QueueMove['queues'][number]): Promise<number> {
    const { broker, isWanted } = this.#options;
    const { signal } = this.#stopping;
    let count = 0;
    let inHand = 0;
    let lastMs = performance.now();
    const handler: Handler = async ({ data, headers }) => {
      inHand += 1;
      try {
        await broker.send('inqueue', to, { data, headers }, { mandatory: true });
        count += 1;
        return { verdict: 'ack', outputs: [] };
      } catch {
        await delay(IDLE_MS / 2);
        return { verdict: 'requeue', outputs: [] };
      } finally {
        inHand -= 1;
        lastMs = performance.now();
      }
    };
    const consumer = await client.consume(from, handler, { prefetch: PREFETCH });
    try {
      if (!client.capabilities.binds) {
        // What the session holds came from these, and is handed over; nothing new is to come to it.
        await consumer.listenTo(sources);
        await consumer.listenTo([]);
      }
      const isBusy = async (): Promise<boolean> =>
        inHand > 0 || performance.now() - lastMs < IDLE_MS || (await isWaiting(broker, from));
      while (!signal.aborted && isWanted(role) && (await isBusy())) await delay(IDLE_MS / 5);
    } finally {
      await consumer.cancel();
    }
    return count;
  }
}

async function isWaiting(broker: Broker, queue: QueueName): Promise<boolean> {
  if (!broker.capabilities.depths) return false;
  const [depth] = await broker.depths([queue]);
  return depth !== undefined && depth.ready + (depth.unacked ?? 0) > 0;
}
