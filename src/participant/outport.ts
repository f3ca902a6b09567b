import type { OutportState } from '../discovery/index.js';
import { MsgfloError } from '../errors.js';
import type { PortName, QueueName } from '../names.js';
import type { Logger } from '../support/index.js';

/** The participant is stopping: what waited for an outport is given back. Reaches this delivery or send only. */
export class StoppedError extends MsgfloError {
  readonly code = 'MSGFLO_STOPPED';
  constructor() {
    super('the participant is stopping');
  }
}

/**
 * An outport of a running participant: whether its messages may go out just now. It begins as `waiting` and is told
 * otherwise by the wiring, or by `unwired` where there is none.
 */
export class Outport {
  readonly name: PortName;
  readonly queue: QueueName;
  /** Only while unwired: what nobody takes is held, otherwise dropped. */
  readonly holdsUnrouted: boolean;
  readonly #log: Logger;
  #state: OutportState | 'unwired' = 'waiting';
  #dropped = 0;
  #stopped = false;
  #waiters: { resolve(): void; reject(reason: Error): void }[] = [];

  constructor(name: PortName, queue: QueueName, options: { readonly holdsUnrouted: boolean; readonly log: Logger }) {
    this.name = name;
    this.queue = queue;
    this.holdsUnrouted = options.holdsUnrouted;
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

  /** Messages that were dropped because nobody was there to take them. */
  get dropped(): number {
    return this.#dropped;
  }

  become(state: OutportState | 'unwired'): void {
    this.#state = state;
    if (state === 'waiting') return;
    for (const { resolve } of this.#waiters.splice(0)) resolve();
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
