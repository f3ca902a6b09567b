import type { OutportCounters, OutportState } from '../discovery/index.js';
import { MsgfloError } from '../errors.js';
import type { PortName, QueueName } from '../names.js';
import type { Logger } from '../support/index.js';
import { InHand, type Release } from '../transport/index.js';
import type { OutportSpec } from './component.js';
import type { PortSchema } from './port-schema.js';

/** The participant is stopping: what waited for an outport is given back. Reaches this delivery or send only. */
export class StoppedError extends MsgfloError {
  readonly code = 'MSGFLO_STOPPED';
  constructor() {
    super('the participant is stopping');
  }
}

/**
 * An outport of a running participant: whether its messages may go out just now. It begins as `waiting` and is told
 * otherwise by the wiring, or by `unwired` where there is none. It releases what transports hold for it when nobody is to
 * take its messages any more.
 */
export class Outport implements Release {
  readonly name: PortName;
  readonly queue: QueueName;
  /** Only while unwired: what nobody takes is held, otherwise dropped. */
  readonly holdsUnrouted: boolean;
  /** Where data is checked before it is sent. */
  readonly schema: PortSchema | undefined;
  /** What is announced of its schema. */
  readonly shownSchema: OutportSpec['schema'];
  readonly #log: Logger;
  #state: OutportState | 'unwired' = 'waiting';
  #holding = new AbortController();
  #underway = new InHand();
  #sent = 0;
  #dropped = 0;
  #stopped = false;
  #waiters: { resolve(): void; reject(reason: Error): void }[] = [];

  constructor(
    name: PortName,
    queue: QueueName,
    options: {
      readonly holdsUnrouted: boolean;
      readonly check?: PortSchema | undefined;
      readonly shownSchema?: OutportSpec['schema'];
      readonly log: Logger;
    },
  ) {
    this.name = name;
    this.queue = queue;
    this.holdsUnrouted = options.holdsUnrouted;
    this.schema = options.check;
    this.shownSchema = options.shownSchema;
    this.#log = options.log;
  }

  get state(): OutportState | 'unwired' {
    return this.#state;
  }

  get isConnected(): boolean {
    return this.#state === 'ready' || this.#state === 'waiting' || this.#state === 'exported';
  }

  /** Its messages are tried once, and dropped when nobody takes them. */
  get isTried(): boolean {
    return this.#state === 'exported' || (this.#state === 'unwired' && !this.holdsUnrouted);
  }

  /** Messages that the broker has confirmed. */
  get sent(): number {
    return Math.max(0, this.#sent);
  }

  /** Messages that were dropped because nobody was there to take them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** As they are told. */
  get counters(): OutportCounters {
    const { sent, dropped, schema } = this;
    return { sent, dropped, ...(schema && { misfits: schema.misfits }) };
  }

  get signal(): AbortSignal {
    return this.#holding.signal;
  }

  /** What transports were given in this state, for them to say when it is no longer under way. */
  get underway(): InHand {
    return this.#underway;
  }

  /** Resolves when nothing is under way any more that was let out in another state, or after `limitMs`. */
  async become(state: OutportState | 'unwired', limitMs: number): Promise<void> {
    if (state === this.#state) return;
    const before = this.#underway;
    this.#state = state;
    this.#underway = new InHand();
    const isHolding = state === 'waiting' || state === 'ready' || state === 'unwired';
    if (!isHolding) this.#holding.abort();
    else if (this.#holding.signal.aborted) this.#holding = new AbortController();
    if (state !== 'waiting') for (const { resolve } of this.#waiters.splice(0)) resolve();
    await before.idle(limitMs);
  }

  confirmed(): void {
    this.#sent += 1;
  }

  letGo(): void {
    this.#dropped += 1;
    // Its settlement goes on, and counts it.
    this.#sent -= 1;
    const text = `outport '${this.name}' is not connected any more: what it held for want of a taker is dropped`;
    this.#log.warnOnce(`let go ${this.name}`, text);
  }

  /** Counts a message that goes nowhere. That nobody looks on at an exported outport is no cause for a warning. */
  drop(): void {
    this.#dropped += 1;
    if (this.#state === 'exported') return;
    const why = this.#state === 'unwired' ? 'nobody takes what is sent on' : 'the graph does not connect';
    this.#log.warnOnce(`drop ${this.name}`, `${why} outport '${this.name}': its messages are dropped`);
  }

  /** Resolves when the state is another than `waiting`. @throws {StoppedError} */
  async untilDecided(): Promise<void> {
    if (this.#state !== 'waiting') return;
    if (this.#stopped) throw new StoppedError();
    await new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Nobody waits any longer, now or later. */
  stop(): void {
    this.#stopped = true;
    for (const { reject } of this.#waiters.splice(0)) reject(new StoppedError());
  }
}
