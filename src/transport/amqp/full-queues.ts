import { Backoff, type Logger } from '../../support/index.js';
import type { Outbox, Outgoing } from './outbox.js';

/** So many taken in a row, and the queue is treated as any other again. */
const FORGIVEN = 1000;

/** What goes to one exchange (or, through the default exchange, to one queue) that has refused a letter. */
interface Lane {
  readonly name: string;
  /** Not with the broker, to be sent in the order of their numbers. */
  waiting: Outgoing[];
  isSorted: boolean;
  readonly onTheirWay: Set<Outgoing>;
  /** So many may be on their way: one after a refusal, one more with each that is taken. */
  window: number;
  readonly backoff: Backoff;
  timer: NodeJS.Timeout | undefined;
  isSending: boolean;
  refusals: number;
}

export interface FullQueuesOptions {
  readonly outbox: Outbox;
  /** False when it cannot be written now. */
  readonly write: (outgoing: Outgoing) => boolean;
  readonly log: Logger;
}

/**
 * Letters that the broker answered with a negative confirm: a queue of limited length is full, or its store failed. They
 * wait here, take no room in the outbox, and are sent again: the first alone after 50 ms doubling to 2 s, the others
 * behind it, more and more at once for as long as they are taken. Other exchanges do not feel it.
 *
 * They leave in the order of the senders' calls. Only letters that were on their way together when the queue became full
 * may overtake one another: the broker may take a later one when a reader makes room between the two.
 */
export class FullQueues {
  readonly #options: FullQueuesOptions;
  readonly #lanes = new Map<string, Lane>();

  constructor(options: FullQueuesOptions) {
    this.#options = options;
  }

  /** False as long as no queue is, or was lately, full: nothing else need be asked then. */
  get any(): boolean {
    return this.#lanes.size > 0;
  }

  /** True for a letter that it will send itself. */
  takes(outgoing: Outgoing): boolean {
    const lane = this.#lanes.get(nameOf(outgoing));
    if (!lane) return false;
    this.#hold(lane, outgoing);
    this.#send(lane);
    return true;
  }

  /** The broker did not take it. */
  refused(outgoing: Outgoing): void {
    if (!this.#options.outbox.has(outgoing)) return;
    const lane = this.#lanes.get(nameOf(outgoing)) ?? this.#open(nameOf(outgoing));
    lane.onTheirWay.delete(outgoing);
    lane.refusals += 1;
    lane.window = 1;
    lane.timer ??= setTimeout(() => {
      lane.timer = undefined;
      this.#send(lane);
    }, lane.backoff.nextMs());
    this.#hold(lane, outgoing);
  }

  /** The broker took it, or it is settled otherwise. Those that were on their way before the refusal do not count. */
  confirmed(outgoing: Outgoing): void {
    const lane = this.#lanes.get(nameOf(outgoing));
    if (!lane?.onTheirWay.delete(outgoing)) return;
    if (lane.timer === undefined) {
      lane.backoff.reset();
      lane.window += 1;
    }
    this.#send(lane);
    if (lane.window > FORGIVEN && lane.waiting.length === 0 && lane.onTheirWay.size === 0) this.#close(lane);
  }

  /** On a new channel: keeps those of its lanes, to be sent with `resume()`, and gives the others. */
  restart(unconfirmed: readonly Outgoing[]): readonly Outgoing[] {
    if (!this.any) return unconfirmed;
    this.release();
    return unconfirmed.filter((outgoing) => {
      const lane = this.#lanes.get(nameOf(outgoing));
      if (lane) this.#hold(lane, outgoing);
      return lane === undefined;
    });
  }

  /** Has none in its hands any more; somebody else sends them. What comes from now on for its lanes is kept. */
  release(): void {
    for (const lane of this.#lanes.values()) {
      for (const outgoing of lane.waiting) this.#options.outbox.unpark(outgoing);
      lane.waiting = [];
      lane.onTheirWay.clear();
    }
  }

  /** Sends what is kept, as far as it is time. */
  resume(): void {
    for (const lane of this.#lanes.values()) this.#send(lane);
  }

  /** Nothing is sent afterwards. */
  stop(): void {
    for (const { timer } of this.#lanes.values()) clearTimeout(timer);
    this.#lanes.clear();
  }

  #open(name: string): Lane {
    const lane: Lane = {
      name,
      waiting: [],
      isSorted: true,
      onTheirWay: new Set(),
      window: 1,
      backoff: new Backoff(50, 2000),
      timer: undefined,
      isSending: false,
      refusals: 0,
    };
    this.#lanes.set(name, lane);
    const text = `queue full: RabbitMQ takes nothing that is sent to '${name}' just now; its senders wait`;
    this.#options.log.warnOnce(`queue full: ${name}`, text);
    return lane;
  }

  #close({ name, refusals }: Lane): void {
    this.#lanes.delete(name);
    this.#options.log.debug(`'${name}' takes messages again; it refused ${refusals} times`);
  }

  #hold(lane: Lane, outgoing: Outgoing): void {
    const last = lane.waiting.at(-1);
    if (last && last.number > outgoing.number) lane.isSorted = false;
    lane.waiting.push(outgoing);
    this.#options.outbox.park(outgoing);
  }

  /** As many as may be on their way, unless the lane waits for its time. */
  #send(lane: Lane): void {
    if (lane.timer !== undefined || lane.isSending) return;
    lane.isSending = true;
    if (!lane.isSorted) lane.waiting.sort((one, other) => one.number - other.number);
    lane.isSorted = true;
    for (let next = lane.waiting[0]; next && this.#mayGo(lane, next); next = lane.waiting[0]) {
      lane.waiting.shift();
      if (!this.#sendOne(lane, next)) break;
    }
    lane.isSending = false;
  }

  #mayGo({ onTheirWay, window }: Lane, { letter }: Outgoing): boolean {
    return onTheirWay.size === 0 || (onTheirWay.size < window && this.#options.outbox.hasRoom(letter));
  }

  /** False when nothing can be written now. */
  #sendOne(lane: Lane, outgoing: Outgoing): boolean {
    const { outbox, write } = this.#options;
    // Rejected meanwhile: its exchange is gone.
    if (!outbox.has(outgoing)) return true;
    outbox.unpark(outgoing);
    lane.onTheirWay.add(outgoing);
    if (write(outgoing)) return true;
    lane.onTheirWay.delete(outgoing);
    if (!outbox.has(outgoing)) return true;
    lane.waiting.unshift(outgoing);
    outbox.park(outgoing);
    return false;
  }
}

/** By where it goes: the default exchange knows queues by the routing key. */
function nameOf({ letter }: Outgoing): string {
  return letter.exchange || letter.routingKey;
}
