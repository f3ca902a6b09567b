import { randomUUID } from 'node:crypto';
import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import type { Arrival } from './arrivals.js';
import { SLOT_KEPT_SECONDS } from './consuming.js';
import { Intake } from './intake.js';
import type { Outlet } from './outlet.js';
import { giveBack } from './sender.js';
import { Slot } from './slot.js';
import { matches, slotClientId, subscriptionIdOf } from './topics.js';

export interface SlotSessionOptions {
  readonly address: URL;
  readonly outlet: Outlet;
  /** The slot. */
  readonly name: string;
  /** Filters by inqueue. */
  readonly inqueues: ReadonlyMap<QueueName, readonly string[]>;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** The session that a slot was left with, to be given away. */
export class SlotSession {
  readonly #options: SlotSessionOptions;
  readonly #slot: Slot;
  readonly #ended = new AbortController();
  readonly #marker = `msgflo/emptied/${randomUUID()}`;
  #failure: Error | undefined;
  #given = 0;
  /** All that came so far has been handed on. */
  #handing: Promise<unknown> = Promise.resolve();

  constructor(options: SlotSessionOptions) {
    this.#options = options;
    const { name, outlet, log } = options;
    const onLost = (): void => this.#fail(new Error('somebody has taken it again'));
    this.#slot = new Slot({ name, ifFree: true, outlet, onLost, onFree: () => undefined, log });
  }

  /**
   * Hands all it holds to others, and ends it. Resolves with the number of messages, with undefined if somebody holds the
   * slot. If it comes to nothing what is left stays in the session, which takes its share as before.
   */
  async giveAway(): Promise<number | undefined> {
    const { signal } = this.#options;
    if (!(await this.#slot.claim(signal))) return undefined;
    const onAbort = (): void => this.#fail(new Error('the router stops'));
    signal.addEventListener('abort', onAbort);
    const intake = this.#newIntake(SLOT_KEPT_SECONDS);
    let isGivenAway = false;
    try {
      await intake.open(signal);
      await this.#drain(intake);
      isGivenAway = true;
      return this.#given;
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (!isGivenAway && this.#slot.isHeld) await this.#takeShareAgain(intake);
      await intake.end();
      if (isGivenAway && this.#slot.isHeld) await this.#forget();
      await this.#slot.release();
    }
  }

  /** It takes no share any more; a message to itself comes behind all that waits there. */
  async #drain(intake: Intake): Promise<void> {
    const filters = [...this.#options.inqueues.values()].flat();
    await Promise.all(filters.map((filter) => intake.unsubscribe(filter)));
    await intake.subscribe(this.#marker, { qos: 1 });
    await this.#options.outlet.publish({ topic: this.#marker, payload: Buffer.alloc(0) });
    if (!this.#ended.signal.aborted)
      await new Promise((resolve) => this.#ended.signal.addEventListener('abort', resolve));
    await intake.unsubscribe(this.#marker);
    if (this.#failure) throw this.#failure;
  }

  async #takeShareAgain(intake: Intake): Promise<void> {
    if (!intake.isOpen) return;
    for (const [inqueue, filters] of this.#options.inqueues) {
      const options = { qos: 1, subscriptionId: subscriptionIdOf(inqueue) } as const;
      await Promise.all(filters.map((filter) => intake.subscribe(filter, options).catch(() => undefined)));
    }
  }

  /** Entered anew and left, the session is gone. */
  async #forget(): Promise<void> {
    const intake = this.#newIntake(0);
    await intake.open(this.#options.signal);
    await intake.end();
  }

  #newIntake(keptSeconds: number): Intake {
    const { address, outlet, name, log } = this.#options;
    return new Intake({
      address,
      clientId: slotClientId(name),
      protocol: outlet.protocol,
      keptSeconds,
      will: this.#slot.will,
      onArrival: (arrival) => this.#take(arrival),
      onTaken: () => {
        this.#slot.forgo();
        this.#fail(new Error('somebody has taken it again'));
      },
      log,
    });
  }

  #take(arrival: Arrival): void {
    const { message } = arrival;
    if (message.topic === this.#marker) {
      arrival.settle();
      const all = (): void => this.#ended.abort();
      this.#handing.then(all, all);
      return;
    }
    const handing = this.#hand(arrival);
    handing.catch((error) => this.#fail(error instanceof Error ? error : new Error(messageOf(error))));
    this.#handing = Promise.all([this.#handing, handing]);
    this.#handing.catch(() => undefined);
  }

  async #hand(arrival: Arrival): Promise<void> {
    const { message } = arrival;
    const { outlet, inqueues } = this.#options;
    const byId = [...inqueues.keys()].filter((inqueue) => message.subscriptionIds.includes(subscriptionIdOf(inqueue)));
    const byTopic = [...inqueues].filter(([, filters]) =>
      filters.some((filter) => matches(filter.split('/').slice(2).join('/'), message.topic)),
    );
    const takers = byId.length > 0 ? byId : byTopic.map(([inqueue]) => inqueue);
    for (const inqueue of takers) {
      if (!(await giveBack(outlet, inqueue, message))) throw new Error(`nobody else takes from '${inqueue}'`);
    }
    this.#given += 1;
    arrival.settle();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#ended.abort();
  }
}
