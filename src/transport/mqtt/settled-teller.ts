import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import {
  type Answer,
  AT_EASE,
  askedTopic,
  type Credit,
  FIRST_SHARE,
  MAX_SHARE,
  type Question,
  type Report,
  readQuestion,
  SESSION_BUDGET,
  settledTopic,
  shareOf,
} from './credit.js';
import { writeRanges } from './number-ranges.js';
import type { Outlet } from './outlet.js';

export interface SettledTellerOptions {
  readonly outlet: Outlet;
  /** The name of the taker, just now. */
  readonly taker: () => string;
  /** Nothing is in hand, of whomever. */
  readonly isIdle: () => boolean;
  readonly log: Logger;
}

/** So many settled messages are told together, or a quarter of the share, and fewer when so much time has passed. */
const MOST_UNTOLD = 100;
const TELL_MS = 100;
/** A flow that brought nothing for so long is over. */
const FORGOTTEN_MS = 10_000;

/** What came to one inqueue in one flow. */
export interface Lane {
  readonly inqueue: QueueName;
  readonly token: string;
  readonly held: Set<number>;
  untold: number[];
  /** The highest number that came. */
  arrived: number;
  /** How many came, and how many were settled. */
  arrivals: number;
  settled: number;
  /** As it was told last. */
  share: number;
  seenMs: number;
}

/** Tells those who send in flows what this client has settled of what they sent. Costs nothing where nobody does. */
export class SettledTeller {
  readonly #options: SettledTellerOptions;
  readonly #inqueues = new Map<QueueName, Map<string, Lane>>();
  readonly #listening = new Set<QueueName>();
  #flows = 0;
  /** In all lanes. */
  #held = 0;
  #later: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(options: SettledTellerOptions) {
    this.#options = options;
  }

  /** Answers who asks about the inqueue from now on. */
  listen(inqueue: QueueName): void {
    if (this.#listening.has(inqueue)) return;
    const { outlet, log } = this.#options;
    this.#listening.add(inqueue);
    const listening = outlet.subscribe(askedTopic(inqueue), 1, ({ payload }) => {
      const question = readQuestion(payload);
      if (question) this.#answer(inqueue, question);
    });
    listening.catch((error) => log.debug(messageOf(error)));
  }

  /** Returns where it is counted, for `settledIn`. */
  arrived(inqueue: QueueName, { token, number }: Credit): Lane {
    const lane = this.#inqueues.get(inqueue)?.get(token) ?? this.#newLane(inqueue, token);
    if (!lane.held.has(number)) this.#held += 1;
    lane.held.add(number);
    lane.arrivals += 1;
    if (number > lane.arrived) lane.arrived = number;
    if (lane.share < MAX_SHARE && lane.share < this.#shareOf(lane)) this.#tellLater(TELL_MS);
    return lane;
  }

  settledIn(lane: Lane, number: number): void {
    if (!lane.held.delete(number)) return;
    this.#held -= 1;
    lane.settled += 1;
    lane.untold.push(number);
    if (lane.untold.length >= Math.min(MOST_UNTOLD, lane.share / 4)) this.#tell(lane);
    else this.#tellLater(TELL_MS);
  }

  /** It was never handed over. */
  settledUnseen(inqueue: QueueName, credit: Credit): void {
    this.settledIn(this.arrived(inqueue, credit), credit.number);
  }

  /** Another client has what was held here. */
  forget(inqueue: QueueName, { token, number }: Credit): void {
    if (this.#inqueues.get(inqueue)?.get(token)?.held.delete(number)) this.#held -= 1;
  }

  /** Tells what there is to tell, and answers nobody any more. */
  end(): void {
    if (this.#isEnded) return;
    this.#tellAll();
    this.#isEnded = true;
    clearTimeout(this.#later);
  }

  /** Told at once, so that all senders learn what they may have now. */
  #newLane(inqueue: QueueName, token: string): Lane {
    const lanes = this.#inqueues.get(inqueue) ?? new Map<string, Lane>();
    const held = new Set<number>();
    const seenMs = performance.now();
    const lane: Lane = { inqueue, token, held, untold: [], arrived: 0, arrivals: 0, settled: 0, share: 0, seenMs };
    this.#inqueues.set(inqueue, lanes.set(token, lane));
    this.#flows += 1;
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#tellLater(0);
    return lane;
  }

  #tellLater(inMs: number): void {
    if (this.#isEnded) return;
    this.#later ??= setTimeout(() => this.#tellAll(), inMs).unref();
  }

  #tellAll(): void {
    this.#later = undefined;
    this.#forgetOld();
    for (const lanes of this.#inqueues.values()) {
      for (const lane of lanes.values())
        if (lane.untold.length > 0 || lane.share !== this.#shareOf(lane)) this.#tell(lane);
    }
  }

  /** None grows while as much is held as all may have together: those who came first may not have heard yet of the others. */
  #shareOf({ share, arrivals, settled }: Lane): number {
    const wanted = shareOf(this.#flows, arrivals);
    if (this.#held < AT_EASE) return wanted;
    const earned = this.#held < SESSION_BUDGET ? shareOf(this.#flows, settled) : FIRST_SHARE;
    return Math.min(wanted, Math.max(share, earned));
  }

  #tell(lane: Lane, answer?: Answer): void {
    const settled = writeRanges(lane.untold);
    if (lane.untold.length > 0) lane.seenMs = performance.now();
    lane.untold = [];
    lane.share = this.#shareOf(lane);
    this.#publish(lane, settled, answer);
  }

  #answer(inqueue: QueueName, { token, asked }: Question): void {
    if (this.#isEnded) return;
    const lane = this.#inqueues.get(inqueue)?.get(token);
    const isIdle = this.#options.isIdle();
    if (!lane) this.#publish({ inqueue, token, share: FIRST_SHARE }, '', { asked, arrived: 0, held: '', isIdle });
    else this.#tell(lane, { asked, arrived: lane.arrived, held: writeRanges(lane.held), isIdle });
  }

  #publish(
    { inqueue, token, share }: Pick<Lane, 'inqueue' | 'token' | 'share'>,
    settled: string,
    answer: Answer | undefined,
  ): void {
    const { outlet, taker, log } = this.#options;
    const report: Report = { inqueue, taker: taker(), share, settled, ...(answer ? { answer } : {}) };
    outlet
      .publish({ topic: settledTopic(token), payload: Buffer.from(JSON.stringify(report)) })
      .catch((error) => log.debug(`could not tell what is settled: ${messageOf(error)}`));
  }

  #forgetOld(): void {
    const oldestMs = performance.now() - FORGOTTEN_MS;
    for (const lanes of this.#inqueues.values()) {
      for (const [token, { held, untold, seenMs }] of lanes) {
        if (seenMs > oldestMs || held.size > 0 || untold.length > 0 || !lanes.delete(token)) continue;
        this.#flows -= 1;
      }
    }
  }
}
