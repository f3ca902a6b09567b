import { Fifo } from './fifo.js';
import type { Incoming, Session } from './session.js';

/** What of a session is needed here. */
type Acking = Pick<Session, 'ack' | 'sessionPresent'>;

/** A handler that works on a message, as who may take it away sees it. */
export interface Holder {
  abandon(): void;
}

/** One message that is to be acknowledged. Nothing is made for it here but itself: many wait. */
export class Arrival {
  readonly message: Incoming;
  /** Whether it comes again to the next holder of the slot if it is not settled. */
  readonly isKept: boolean;
  /** A handler had it before, on a session that broke: its turn is now, before that of what waits. */
  readonly isRepeat: boolean;
  /** A handler gave it back. */
  wasTried = false;
  #isSettled = false;
  #acknowledge: (() => void) | undefined;
  #release: ((message: Incoming) => void) | undefined;
  #holder: Holder | undefined;

  constructor(message: Incoming, isKept: boolean, isRepeat = false) {
    this.message = message;
    this.isKept = isKept;
    this.isRepeat = isRepeat;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** `acknowledge` is called when it is settled, that of the session on which it came last. */
  cameOn(acknowledge: () => void): void {
    this.#acknowledge = acknowledge;
  }

  /** `release` is called when it is settled, after that. */
  countedBy(release: (message: Incoming) => void): void {
    this.#release = release;
  }

  /** A handler has it now: if the message comes again on another session, it is to abandon it. */
  begin(holder: Holder): void {
    this.#holder = holder;
  }

  /** Whether a handler had it, which it is taken from: what comes of it counts no more. */
  abandoned(): boolean {
    if (this.#isSettled || !this.#holder) return false;
    this.#holder.abandon();
    this.settle();
    return true;
  }

  /** It may be acknowledged now, on whichever session it came last. Idempotent. */
  settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#acknowledge?.();
    this.#release?.(this.message);
  }
}

/**
 * The unacknowledged messages of one session in order of arrival. PUBACKs go out in that order [MQTT-4.6.0-2]: one that
 * is settled early waits for those before it.
 *
 * What the broker repeats on the next session is recognised by packet id and content [MQTT-4.4.0-1]: if it is settled but
 * was not acknowledged, or still waits here, it is not handed over again. What a handler has is taken from it and handed
 * over anew, as other brokers do.
 */
export class Arrivals {
  readonly #session: Acking;
  readonly #unacked = new Fifo<Arrival>();
  readonly #isKept: boolean;
  /** Of the session before, by packet id. */
  readonly #earlier: Map<number, Arrival>;
  readonly #acknowledge = (): void => {
    while (this.#unacked.first?.isSettled) {
      const arrival = this.#unacked.shift();
      if (arrival) this.#session.ack(arrival.message);
    }
  };

  /** `isKept`: the broker keeps what is left unacknowledged. */
  constructor(session: Acking, before: Arrivals | undefined, isKept = true) {
    this.#session = session;
    this.#isKept = isKept;
    this.#earlier = before && session.sessionPresent ? before.#left() : new Map();
  }

  /** The arrival to hand over; undefined if it is in hand already. */
  add(message: Incoming): Arrival | undefined {
    if (message.qos === 0) return new Arrival(message, false);
    const earlier = this.#takeEarlier(message);
    const isRepeat = earlier?.abandoned() ?? false;
    const known = isRepeat ? undefined : earlier;
    const arrival = known ?? new Arrival(message, this.#isKept, isRepeat);
    this.#unacked.push(arrival);
    if (known?.isSettled) this.#acknowledge();
    else arrival.cameOn(this.#acknowledge);
    return known ? undefined : arrival;
  }

  #takeEarlier(message: Incoming): Arrival | undefined {
    const earlier = this.#earlier.get(message.packetId);
    this.#earlier.delete(message.packetId);
    if (!message.dup || earlier?.message.topic !== message.topic) return undefined;
    return earlier.message.payload.equals(message.payload) ? earlier : undefined;
  }

  #left(): Map<number, Arrival> {
    const left = [...this.#earlier.values(), ...this.#unacked.drain()];
    return new Map(left.map((arrival) => [arrival.message.packetId, arrival]));
  }
}
