import type { Engine } from '../../engine/index.js';
import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import type { ClientSession } from './client-session.js';
import { discardOldest } from './discarder.js';
import type { SessionBook } from './session-book.js';

const CHECK_MS = 1000;
const EXPIRY_CHECK_MS = 60_000;

export interface WaitingGuardOptions {
  readonly engine: Engine;
  readonly book: SessionBook;
  readonly log: Logger;
  /** Messages that may wait for a session of which nobody settles any. */
  readonly maxWaiting: number;
  readonly stallMs: number;
  readonly expiryMs: number;
  /** Sessions in use. */
  connected(): ReadonlyMap<string, ClientSession>;
  /** False where somebody uses it by now. */
  expire(clientId: string): Promise<boolean>;
}

/** Sees to it that a client that is gone, or takes nothing, does not hold up for ever who sends. */
export class WaitingGuard {
  readonly #options: WaitingGuardOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #discarding = new Map<QueueName, Promise<void>>();
  #expiryMs = performance.now();
  #dropped = 0;
  #expired = 0;

  constructor(options: WaitingGuardOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.check(), Math.min(CHECK_MS, options.stallMs));
    this.#timer.unref();
  }

  /** Messages taken away unread. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sessions forgotten since nobody used them. */
  get expired(): number {
    return this.#expired;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#discarding.values());
  }

  check(): void {
    const nowMs = performance.now();
    if (nowMs - this.#expiryMs >= Math.min(EXPIRY_CHECK_MS, this.#options.expiryMs)) {
      this.#expiryMs = nowMs;
      this.#expire();
    }
    const { engine, book, stallMs, maxWaiting } = this.#options;
    const connected = this.#options.connected();
    const clients = new Map<QueueName, ClientSession>();
    for (const client of connected.values()) clients.set(client.inqueue, client);
    for (const [client] of book.stored()) clients.set(client.inqueue, client);
    for (const { queue, ready, unacked, waiting = 0 } of engine.depths([...clients.keys()])) {
      const client = clients.get(queue);
      if (!client) continue;
      if (ready + unacked === 0) client.progressMs = nowMs;
      const isStalled = !connected.has(client.clientId) || nowMs - client.progressMs > stallMs;
      // What is large fills a queue sooner.
      const kept = Math.floor(Math.min(maxWaiting, ready) * 0.9);
      if (isStalled && (ready >= maxWaiting || waiting > 0) && ready > 0) this.#discard(client, ready - kept);
    }
  }

  #discard(client: ClientSession, count: number): void {
    const { engine, log } = this.#options;
    const { inqueue, clientId } = client;
    if (this.#discarding.has(inqueue)) return;
    log.warnOnce(
      `mqtt-dropped ${clientId}`,
      `mqtt: too much waits for client '${clientId}', which takes nothing: the oldest are dropped`,
    );
    const isEnough = (): boolean => (engine.depths([inqueue])[0]?.ready ?? 0) === 0;
    const work = discardOldest(engine, inqueue, { count, isEnough }).then(
      (dropped) => {
        this.#dropped += dropped;
      },
      (error: unknown) => log.warn(`mqtt: messages of client '${clientId}' cannot be dropped: ${messageOf(error)}`),
    );
    this.#discarding.set(
      inqueue,
      work.finally(() => this.#discarding.delete(inqueue)),
    );
  }

  #expire(): void {
    const { book, expiryMs, log } = this.#options;
    const oldestMs = Date.now() - expiryMs;
    const connected = this.#options.connected();
    for (const [{ clientId }, usedAtMs] of [...book.stored()]) {
      if (usedAtMs > oldestMs || connected.has(clientId)) continue;
      this.#options.expire(clientId).then(
        (isForgotten) => {
          if (isForgotten) this.#expired += 1;
        },
        (error: unknown) => log.warn(`mqtt: the session of client '${clientId}' stays: ${messageOf(error)}`),
      );
    }
  }
}
