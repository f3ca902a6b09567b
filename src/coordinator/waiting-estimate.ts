/** What is counted around an inqueue at a moment, in totals. */
export interface Traffic {
  /** Which feeds `sent` is of. */
  readonly feeds: string;
  /** Sent by all that feeds it. */
  readonly sent: number;
  readonly settled: number;
  /** Taken and not settled. */
  readonly inHand: number;
  /** How many take from it. */
  readonly takers: number;
}

/** When nothing has moved for so long, in ms, and somebody is there with nothing in hand, then nothing waits. */
const QUIET_MS = 5000;

/**
 * What waits in an inqueue whose broker does not tell: what was sent to it less what was taken from it, since it was first
 * looked at. What a killed participant did last is told by nobody, so that the sums drift: whenever those who take are
 * seen to have nothing left to take, they begin anew.
 */
export class WaitingEstimate {
  #baseSent: number;
  #baseSettled: number;
  #last: Traffic;
  #quietSinceMs: number;

  constructor(traffic: Traffic, atMs: number) {
    this.#baseSent = traffic.sent;
    this.#baseSettled = traffic.settled + traffic.inHand;
    this.#last = traffic;
    this.#quietSinceMs = atMs;
  }

  get waiting(): number {
    const { sent, settled, inHand } = this.#last;
    return Math.max(0, sent - this.#baseSent - (settled + inHand - this.#baseSettled));
  }

  take(now: Traffic, atMs: number): void {
    const before = this.#last;
    this.#last = now;
    // What others sent before they were connected never came here.
    if (now.feeds !== before.feeds) this.#baseSent += now.sent - before.sent;
    const isTaking = now.settled !== before.settled;
    if (isTaking || now.sent !== before.sent || now.inHand > 0) this.#quietSinceMs = atMs;
    const isIdle = now.inHand === 0 && (isTaking || atMs - this.#quietSinceMs >= QUIET_MS);
    if (now.takers === 0 || !isIdle) return;
    this.#baseSent = now.sent;
    this.#baseSettled = now.settled;
  }
}
