import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import { type Logger, within } from '../../support/index.js';
import { Forwarding } from './forwarding.js';
import { Intake } from './intake.js';
import { Outlet } from './outlet.js';
import { absence, presence, RoutingBoard } from './routing-board.js';
import { SlotEmptier } from './slot-emptier.js';

export interface RouterOptions {
  readonly address: URL;
  readonly log: Logger;
  /** How often the router shows that it lives; silent for three times as long, it is taken for dead. @default 2000 */
  readonly heartbeatMs?: number;
  /** A slot whose holder died and that is not taken again for so long, in ms, is emptied. @default 60000 */
  readonly slotTimeoutMs?: number;
  /** How long a message is held that no target takes. @default 10000 */
  readonly patienceMs?: number;
}

/** One for all routers, so that the next finds what the last left in its session. */
const CLIENT_ID = 'msgflo-router';
const KEPT_SECONDS = 24 * 3600;
const HEARTBEAT_MS = 2000;
const SLOT_TIMEOUT_MS = 60_000;

export type RouterStatus = 'idle' | 'standby' | 'routing' | 'stopped';

/**
 * Carries out the routes that `bind()` leaves at a broker which cannot bind: subscribes to their sources and forwards
 * each message to every target, bytes and headers untouched, acknowledging it only when all targets are confirmed. So
 * nothing is lost when it or the broker is killed, but some comes twice. It keeps no state of its own.
 *
 * Of several routers on one broker one works and the others stand by.
 */
export class Router {
  readonly #id = randomUUID();
  readonly #address: URL;
  readonly #log: Logger;
  readonly #heartbeatMs: number;
  readonly #slotTimeoutMs: number;
  readonly #outlet: Outlet;
  readonly #board: RoutingBoard;
  readonly #forwarding: Forwarding;
  readonly #stopping = new AbortController();
  readonly #subscribed = new Set<string>();
  #intake: Intake | undefined;
  #emptier: SlotEmptier | undefined;
  #status: RouterStatus = 'idle';
  #running: Promise<void> = Promise.resolve();
  #shownMs = Number.NEGATIVE_INFINITY;
  #isChanged = false;
  #wake: () => void = () => undefined;

  constructor({
    address,
    log,
    heartbeatMs = HEARTBEAT_MS,
    slotTimeoutMs = SLOT_TIMEOUT_MS,
    patienceMs,
  }: RouterOptions) {
    this.#address = address;
    this.#log = log;
    this.#heartbeatMs = heartbeatMs;
    this.#slotTimeoutMs = slotTimeoutMs;
    this.#outlet = new Outlet({ address, id: CLIENT_ID, will: absence, log });
    this.#board = new RoutingBoard(this.#outlet);
    const { signal } = this.#stopping;
    this.#forwarding = new Forwarding({ outlet: this.#outlet, log, signal, ...(patienceMs && { patienceMs }) });
    this.#board.onChange(() => {
      this.#isChanged = true;
      this.#wake();
    });
  }

  get status(): RouterStatus {
    return this.#status;
  }

  /** Connects, retrying until it succeeds, and works from then on; one that finds another router stands by. */
  async start({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#outlet.open(signal);
    await this.#board.sync();
    this.#status = 'standby';
    await this.#step().catch((error) => this.#log.warn(messageOf(error)));
    this.#running = this.#run();
  }

  /** Leaves; routes and session stay at the broker, and what is in hand comes to the next router. Idempotent. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return this.#running;
    this.#stopping.abort();
    await this.#running;
    await Promise.all([this.#emptier?.stop(), this.#intake?.end()]);
    if (this.#status === 'routing') await within(this.#sayAbsent(), this.#heartbeatMs);
    this.#status = 'stopped';
    await this.#outlet.close(this.#heartbeatMs);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#changeOr(this.#heartbeatMs / 2);
      if (this.#stopping.signal.aborted || !this.#outlet.isOpen) continue;
      await this.#step().catch((error) => this.#log.warn(messageOf(error)));
    }
  }

  async #step(): Promise<void> {
    const { leader, leaderHeardMs } = this.#board;
    const nowMs = performance.now();
    if (this.#status === 'standby') {
      if (leader === undefined || nowMs - leaderHeardMs > 3 * this.#heartbeatMs) await this.#claim();
      return;
    }
    if (leader !== undefined && leader !== this.#id) {
      await this.#standBy('another router works');
      return;
    }
    if (leader === undefined || nowMs - this.#shownMs >= this.#heartbeatMs) await this.#show();
    await this.#apply();
  }

  /** Of several that claim at once the last is heard by all; a router that lost only its connection claims at once. */
  async #claim(): Promise<void> {
    const isAfterAnother = this.#board.leaderHeardMs > 0;
    if (isAfterAnother) await delay(this.#heartbeatMs * (0.1 + Math.random() / 10));
    const { leader, leaderHeardMs } = this.#board;
    if (leader !== undefined && performance.now() - leaderHeardMs < 3 * this.#heartbeatMs) return;
    await this.#show();
    await this.#board.sync();
    await delay(this.#heartbeatMs / 10);
    if (this.#board.leader !== this.#id || this.#stopping.signal.aborted) return;
    this.#forwarding.use(this.#board.routes.values());
    const intake = this.#newIntake();
    this.#intake = intake;
    this.#subscribed.clear();
    await intake.open(this.#stopping.signal);
    this.#status = 'routing';
    await this.#apply();
    const timeoutMs = this.#slotTimeoutMs;
    this.#emptier = new SlotEmptier({ address: this.#address, outlet: this.#outlet, timeoutMs, log: this.#log });
    await this.#emptier.start();
  }

  async #show(): Promise<void> {
    this.#shownMs = performance.now();
    await this.#outlet.publish(presence(this.#id));
  }

  async #sayAbsent(): Promise<void> {
    await this.#outlet.publish(absence).catch((error) => this.#log.debug(messageOf(error)));
  }

  async #standBy(reason: string): Promise<void> {
    this.#log.info(`${reason}; this one stands by`);
    this.#status = 'standby';
    await Promise.all([this.#emptier?.stop(), this.#intake?.end()]);
    this.#emptier = undefined;
    this.#intake = undefined;
  }

  #newIntake(): Intake {
    const intake: Intake = new Intake({
      address: this.#address,
      clientId: CLIENT_ID,
      protocol: this.#outlet.protocol,
      keptSeconds: KEPT_SECONDS,
      onArrival: (arrival) => {
        if (this.#forwarding.take(arrival)) return;
        arrival.settle();
        const { topic } = arrival.message;
        this.#log.warnOnce(`stale:${topic}`, `messages from '${topic}' are dropped: it is no source any more`);
        intake.unsubscribe(topic).catch((error) => this.#log.debug(messageOf(error)));
      },
      onTaken: () => {
        this.#standBy('another router took over').catch((error) => this.#log.debug(messageOf(error)));
      },
      log: this.#log,
    });
    return intake;
  }

  /** Makes subscriptions and reports fit the routes. */
  async #apply(): Promise<void> {
    const intake = this.#intake;
    if (!intake) return;
    const { routes, routed } = this.#board;
    const wanted = new Map(routes);
    this.#forwarding.use(wanted.values());
    const sources = new Set(this.#forwarding.sources);
    const added = [...sources].filter((topic) => !this.#subscribed.has(topic));
    const removed = [...this.#subscribed].filter((topic) => !sources.has(topic));
    await Promise.all(added.map((topic) => this.#subscribe(intake, topic)));
    await Promise.all(removed.map((topic) => this.#unsubscribe(intake, topic)));
    const isNew = [...wanted.keys()].filter((key) => !routed.has(key));
    const isGone = [...routed].filter((key) => !wanted.has(key));
    await Promise.all(isNew.map((key) => this.#board.putRouted(key, true)));
    await Promise.all(isGone.map((key) => this.#board.putRouted(key, false)));
  }

  async #subscribe(intake: Intake, topic: string): Promise<void> {
    await intake.subscribe(topic, { qos: 1, retainHandling: 1 });
    this.#subscribed.add(topic);
  }

  async #unsubscribe(intake: Intake, topic: string): Promise<void> {
    await intake.unsubscribe(topic);
    this.#subscribed.delete(topic);
  }

  /** Resolves at once if the board changed since the last time, at its next change, after `limitMs`, or when we stop. */
  async #changeOr(limitMs: number): Promise<void> {
    const wake = new AbortController();
    this.#wake = () => wake.abort();
    if (this.#isChanged) wake.abort();
    const signal = AbortSignal.any([wake.signal, this.#stopping.signal]);
    await delay(limitMs, undefined, { signal }).catch(() => undefined);
    this.#isChanged = false;
  }
}
