import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import { newToken, type Subscription } from '../index.js';
import { askedTopic, readReport, settledTopic } from './credit.js';
import type { Outlet } from './outlet.js';
import type { Incoming } from './session.js';
import { SlotSession } from './slot-session.js';
import { ALL_TAKERS, readTaker, takerPublication } from './takers.js';
import { EVERY_SLOT, nameOfSlot } from './topics.js';

export interface SlotEmptierOptions {
  readonly address: URL;
  readonly outlet: Outlet;
  /** So long a slot is left to who held it, in ms. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

/** What is known of a slot. */
interface KnownSlot {
  /** Filters by inqueue. */
  readonly inqueues: Map<QueueName, readonly string[]>;
  /** Since when nobody holds it, on the clock of `performance.now()`. */
  freeSinceMs: number | undefined;
}

/** Who takes from an inqueue answers within this. */
const ANSWER_MS = 1000;

/**
 * Empties slots whose holder died and is not replaced. The session of such a slot goes on taking its share of what is sent
 * to its inqueues: it is entered under its client id, takes no share any more, and what it holds goes to the others who
 * take from the inqueue. Where there are no others it is left alone, for whoever comes.
 */
export class SlotEmptier {
  readonly #options: SlotEmptierOptions;
  readonly #slots = new Map<string, KnownSlot>();
  readonly #held = new Set<string>();
  readonly #stopping = new AbortController();
  #watches: readonly Subscription[] = [];
  #running: Promise<void> = Promise.resolve();
  /** After a cut it is not known who holds what: a retained word may be that of one who died meanwhile. */
  #isFirstTime = true;

  constructor(options: SlotEmptierOptions) {
    this.#options = options;
    options.outlet.onRestoring(() => this.#doubt());
  }

  async start(): Promise<void> {
    const { outlet, log } = this.#options;
    if (outlet.protocol === 4) return log.debug('on MQTT 3.1.1 nobody can tell whether a slot may be emptied');
    this.#watches = await Promise.all([
      outlet.subscribe(ALL_TAKERS, 1, (message) => this.#seeTaker(message)),
      outlet.subscribe(EVERY_SLOT, 1, (message) => this.#seeHolder(message)),
    ]);
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    if (this.#options.outlet.isOpen) await Promise.all(this.#watches.map((watch) => watch.cancel()));
  }

  #seeTaker(message: Incoming): void {
    const taker = readTaker(message);
    if (!taker || (!taker.isKept && taker.filters.length > 0)) return;
    const { name, inqueue, filters } = taker;
    const known = this.#slots.get(name) ?? { inqueues: new Map(), freeSinceMs: undefined };
    if (filters.length > 0) known.inqueues.set(inqueue, filters);
    else known.inqueues.delete(inqueue);
    if (known.inqueues.size === 0) this.#slots.delete(name);
    else this.#slots.set(name, known);
    if (!this.#held.has(name)) known.freeSinceMs ??= performance.now();
  }

  #seeHolder({ topic, payload, retain }: Incoming): void {
    const name = nameOfSlot(topic);
    const word = payload.toString().split(' ')[0];
    if (word === 'ask' || (retain && !this.#isFirstTime)) return;
    const known = this.#slots.get(name);
    if (payload.length > 0) this.#held.add(name);
    else this.#held.delete(name);
    if (known) known.freeSinceMs = payload.length > 0 ? undefined : (known.freeSinceMs ?? performance.now());
  }

  #doubt(): void {
    this.#isFirstTime = false;
    this.#held.clear();
    for (const known of this.#slots.values()) known.freeSinceMs ??= performance.now();
  }

  async #run(): Promise<void> {
    const { timeoutMs, outlet, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(Math.min(1000, timeoutMs / 2), undefined, { signal }).catch(() => undefined);
      const oldestMs = performance.now() - timeoutMs;
      const due = [...this.#slots].filter(([, { freeSinceMs }]) => freeSinceMs !== undefined && freeSinceMs < oldestMs);
      for (const [name, known] of due) {
        if (signal.aborted || !outlet.isOpen) break;
        // If it comes to nothing it is tried again after the same time.
        known.freeSinceMs = performance.now();
        await this.#empty(name, known).catch((error) => {
          if (!signal.aborted) log.warn(`the slot '${name}' is not emptied: ${messageOf(error)}`);
        });
      }
    }
  }

  async #empty(name: string, { inqueues }: KnownSlot): Promise<void> {
    const { address, outlet, log } = this.#options;
    const { signal } = this.#stopping;
    const all = new Map(inqueues);
    if ([...all.values()].flat().some((filter) => !filter.startsWith('$share/'))) return;
    const answers = await Promise.all([...all.keys()].map((inqueue) => this.#isTakenByOthers(inqueue, name)));
    if (!answers.every(Boolean)) return log.debug(`the slot '${name}' is left alone: nobody else takes what it takes`);
    const session = new SlotSession({ address, outlet, name, inqueues: all, signal, log });
    const given = await session.giveAway();
    if (given === undefined) return;
    log.info(`the slot '${name}' was not taken again: ${given} messages of it went to others`);
    for (const inqueue of all.keys())
      await outlet.publish(takerPublication({ inqueue, name, isKept: true, filters: [] }));
  }

  /** Asks all who take from an inqueue. */
  async #isTakenByOthers(inqueue: QueueName, name: string): Promise<boolean> {
    const { outlet } = this.#options;
    const token = newToken();
    const answered = new AbortController();
    const listening = await outlet.subscribe(settledTopic(token), 1, ({ payload }) => {
      const report = readReport(payload);
      if (report && report.taker !== name) answered.abort();
    });
    const payload = Buffer.from(JSON.stringify({ token, asked: 1 }));
    await outlet.publish({ topic: askedTopic(inqueue), payload });
    const signal = AbortSignal.any([answered.signal, this.#stopping.signal]);
    await delay(ANSWER_MS, undefined, { signal }).catch(() => undefined);
    await listening.cancel();
    return answered.signal.aborted;
  }
}
