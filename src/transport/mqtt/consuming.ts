import { randomBytes } from 'node:crypto';
import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import { NotConnectedError } from '../index.js';
import type { Arrival } from './arrivals.js';
import { Inqueues } from './inqueues.js';
import { Intake } from './intake.js';
import type { Outlet } from './outlet.js';
import type { Sender } from './sender.js';
import { SettledTeller } from './settled-teller.js';
import { SharingProbe } from './sharing.js';
import { Slot } from './slot.js';
import { type Taker, takerPublication } from './takers.js';
import { slotClientId } from './topics.js';

export interface ConsumingOptions {
  readonly address: URL;
  readonly id: string;
  readonly slot: string | undefined;
  /** Does without the slot for as long as somebody else has it. */
  readonly slotIfFree: boolean;
  /** Takes no share any more once it is closed. */
  readonly givesUpSlot: boolean;
  readonly outlet: Outlet;
  readonly sender: Sender;
  /** The slot was taken, and this client is not one that goes on without. */
  readonly onTaken: () => void;
  /** Inqueues whose messages are not to wait longer than so many ms. */
  readonly ttls: ReadonlyMap<QueueName, number>;
  readonly log: Logger;
}

/** So long does the broker keep the session of a slot. */
export const SLOT_KEPT_SECONDS = 24 * 3600;
/** So long is a slot left to the one who lost it: it may just be reconnecting, or being started again. */
const LEFT_ALONE_MS = 5000;

/**
 * The connection of a client that deliveries come on, and what becomes of them. It may be under the client id of a slot,
 * and then the broker keeps what is left there. Where the slot is taken only if free, the connection is exchanged for one
 * without when the slot is lost to another, and for one with it when the holder is gone, so that nothing waits there for
 * nobody.
 */
export class Consuming {
  readonly #options: ConsumingOptions;
  readonly #slot: Slot | undefined;
  readonly #probe = new SharingProbe();
  readonly #closing = new AbortController();
  readonly #early: Arrival[] = [];
  readonly #retiring = new Set<Intake>();
  #intake: Intake | undefined;
  #inqueues: Inqueues | undefined;
  #moving: Promise<void> = Promise.resolve();
  #isShared = true;
  #moveLater: NodeJS.Timeout | undefined;

  constructor(options: ConsumingOptions) {
    this.#options = options;
    const { slot: name, slotIfFree: ifFree, outlet, log } = options;
    if (name === undefined) return;
    const onLost = (): void => this.#lost();
    this.#slot = new Slot({ name, ifFree, outlet, onLost, onFree: () => this.#tryLater(), log });
  }

  get isOpen(): boolean {
    return this.#intake?.isOpen ?? true;
  }

  /** @throws {RefusedError} @throws {NotConnectedError} when it is closed before */
  open(): Promise<Inqueues> {
    const opening = this.#open();
    const over = (): void => undefined;
    this.#moving = opening.then(over, over);
    return opening;
  }

  /** Waits up to `graceMs` for what is in hand; what the broker would forget goes to the others. */
  async close(graceMs: number): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#moveLater);
    await this.#inqueues?.close(graceMs, this.#options.givesUpSlot);
    await Promise.all([this.#intake, ...this.#retiring].map((intake) => intake?.end()));
    await this.#moving;
    if (this.#options.outlet.isOpen) await this.#slot?.release();
  }

  /** Ends as a crash of the process would. */
  kill(): void {
    this.#closing.abort();
    clearTimeout(this.#moveLater);
    for (const intake of [this.#intake, ...this.#retiring]) intake?.kill();
    this.#inqueues?.close(0).catch(() => undefined);
  }

  async #open(): Promise<Inqueues> {
    const { outlet, sender, log } = this.#options;
    await this.#slot?.claim(this.#closing.signal);
    if (this.#closing.signal.aborted) throw new NotConnectedError('consume');
    const intake = this.#newIntake();
    this.#intake = intake;
    await intake.open();
    const isShared = await this.#probe.run(intake, outlet);
    if (!isShared) log.warnOnce('share', 'this broker cannot share: each instance of a role gets every message');
    this.#isShared = isShared;
    const tellsUnrouted = outlet.protocol === 5;
    const teller = tellsUnrouted ? this.#newTeller() : undefined;
    const showTaker = (inqueue: QueueName, filters: readonly string[]): void => this.#show(inqueue, filters);
    const { ttls } = this.#options;
    const inqueues = new Inqueues({ intake, sender, isShared, tellsUnrouted, ttls, teller, showTaker, log });
    this.#inqueues = inqueues;
    for (const arrival of this.#early.splice(0)) inqueues.take(arrival);
    return inqueues;
  }

  #newTeller(): SettledTeller {
    const { outlet, log } = this.#options;
    const intakes = (): (Intake | undefined)[] => [this.#intake, ...this.#retiring];
    const isIdle = (): boolean => intakes().every((intake) => intake?.isEmpty !== false);
    return new SettledTeller({ outlet, taker: () => this.#taker.name, isIdle, log });
  }

  /** Under which name we take just now. */
  get #taker(): Pick<Taker, 'name' | 'isKept'> {
    const { slot, id } = this.#options;
    const intake = this.#intake;
    return slot !== undefined && intake?.isKept
      ? { name: slot, isKept: true }
      : { name: intake?.clientId ?? id, isKept: false };
  }

  #show(inqueue: QueueName, filters: readonly string[]): void {
    const { outlet, log } = this.#options;
    if (outlet.protocol !== 5 || !this.#isShared) return;
    outlet
      .publish(takerPublication({ inqueue, ...this.#taker, filters }))
      .catch((error) => log.debug(`could not tell who takes from '${inqueue}': ${messageOf(error)}`));
  }

  /** Under the client id of the slot if that is ours. */
  #newIntake(): Intake {
    const { address, id, slot, outlet, log } = this.#options;
    const held = this.#slot?.isHeld && slot !== undefined ? this.#slot : undefined;
    return new Intake({
      address,
      clientId: held && slot !== undefined ? slotClientId(slot) : `${id}-in-${randomBytes(4).toString('hex')}`,
      protocol: outlet.protocol,
      keptSeconds: held ? SLOT_KEPT_SECONDS : 0,
      ...(held ? { will: held.will } : {}),
      mayPause: () => this.#inqueues?.isWide ?? false,
      onArrival: (arrival) => this.#take(arrival),
      onTaken: () => {
        this.#slot?.forgo();
        this.#lost();
      },
      log,
    });
  }

  #take(arrival: Arrival): void {
    if (this.#probe.take(arrival)) return;
    if (this.#inqueues) this.#inqueues.take(arrival);
    else this.#early.push(arrival);
  }

  #lost(): void {
    const { slot, slotIfFree, onTaken, log } = this.#options;
    if (this.#closing.signal.aborted) return;
    if (!slotIfFree) {
      onTaken();
      return;
    }
    log.warn(`another client took the slot '${slot}'; this one goes on without`);
    this.#move(async (before, inqueues) => {
      await before.end();
      inqueues.forgetKept();
      await this.#moveTo(this.#newIntake(), inqueues);
    });
  }

  /** Where nothing is shared, what waits in the slot is what we have had. */
  #tryLater(): void {
    if (!this.#options.slotIfFree || !this.#isShared || this.#closing.signal.aborted) return;
    clearTimeout(this.#moveLater);
    this.#moveLater = setTimeout(() => {
      this.#move(async (before, inqueues) => {
        if (!(await this.#slot?.claim(this.#closing.signal))) return;
        this.#retiring.add(before); // close() may come while the other opens
        await this.#moveTo(this.#newIntake(), inqueues);
        this.#options.log.debug(`the slot '${this.#options.slot}' is ours now`);
        this.#retire(before);
      });
    }, LEFT_ALONE_MS);
  }

  /** One exchange at a time. */
  #move(exchange: (before: Intake, inqueues: Inqueues) => Promise<void>): void {
    const { log } = this.#options;
    const run = async (): Promise<void> => {
      const [intake, inqueues] = [this.#intake, this.#inqueues];
      if (intake && inqueues && !this.#closing.signal.aborted) await exchange(intake, inqueues);
    };
    this.#moving = this.#moving.then(run).catch((error) => {
      if (!this.#closing.signal.aborted) log.warn(`cannot consume: ${messageOf(error)}`);
    });
  }

  async #moveTo(intake: Intake, inqueues: Inqueues): Promise<void> {
    this.#intake = intake;
    inqueues.moveTo(intake);
    await intake.open();
  }

  /** What it brought is settled on its own connection. */
  #retire(intake: Intake): void {
    this.#retiring.add(intake);
    const gone = (): boolean => this.#retiring.delete(intake);
    intake.retire().then(gone, gone);
  }
}
