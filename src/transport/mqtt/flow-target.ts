import type { QueueName } from '../../names.js';
import { FIRST_SHARE, type Report } from './credit.js';
import { readRanges } from './number-ranges.js';
import type { Taker } from './takers.js';

/** How a taker stood when it was last asked. */
interface Standing {
  readonly asked: number;
  readonly arrived: number;
  readonly held: ReadonlySet<number>;
  readonly isIdle: boolean;
}

/** What a taker allowed counts for so long, in ms. */
const ALLOWED_MS = 10_000;

/**
 * What is unsettled of a flow at one inqueue. Takers tell what they settle; what nobody told, because a taker was killed or
 * we were cut off, is found by asking: a message that the broker has, that every taker must have seen by now, and that
 * none of them holds, is gone. It must be so in two rounds, since a message that is given back is nowhere for a moment.
 */
export class FlowTarget {
  readonly inqueue: QueueName;
  readonly #unsettled = new Set<number>();
  /** Takers whose sessions are kept while they are away. */
  readonly #kept = new Set<string>();
  /** As the last question was answered, by taker. */
  readonly #standings = new Map<string, Standing>();
  #missing: ReadonlySet<number> = new Set();
  /** What each taker allows, and when it said so. All of it may end in the session of one. */
  readonly #allowed = new Map<string, { readonly share: number; readonly atMs: number }>();
  #share = FIRST_SHARE;
  #isHeard = false;
  /** False once it has shown that nobody there tells anything. */
  #isBounded = true;
  #asked = 0;
  /** The highest confirmed number when it was last asked. */
  #mark = 0;
  #oldest: number | undefined;

  constructor(inqueue: QueueName) {
    this.inqueue = inqueue;
  }

  get hasRoom(): boolean {
    return this.#unsettled.size < this.#share;
  }

  get unsettled(): number {
    return this.#unsettled.size;
  }

  /** Somebody takes there who tells what is settled. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  add(number: number): void {
    if (this.#isBounded) this.#unsettled.add(number);
  }

  remove(number: number): void {
    this.#unsettled.delete(number);
  }

  /** Nobody there tells anything: it is not waited for, until somebody does. */
  giveUp(): void {
    this.#isBounded = false;
    this.#unsettled.clear();
  }

  see({ name, isKept, filters }: Taker): void {
    if (filters.length > 0) this.#hear();
    if (filters.length > 0 && isKept) this.#kept.add(name);
    else this.#kept.delete(name);
  }

  /** On a new connection: those that are kept are told again. */
  forgetKept(): void {
    this.#kept.clear();
  }

  take({ taker, share, settled, answer }: Report): void {
    this.#hear();
    this.#allowed.set(taker, { share, atMs: performance.now() });
    this.#share = this.#leastAllowed();
    for (const number of readRanges(settled)) this.#unsettled.delete(number);
    if (!answer) return;
    const { asked, arrived, held, isIdle } = answer;
    this.#standings.set(taker, { asked, arrived, held: new Set(readRanges(held)), isIdle });
  }

  /**
   * To be called now and then. True when it is to be asked with the number `asked`: the oldest of its messages is the same
   * as before. @param confirmed the highest number that the broker has
   */
  isStuck(confirmed: number): boolean {
    this.#share = this.#leastAllowed();
    const [oldest] = this.#unsettled;
    const isSame = oldest !== undefined && oldest === this.#oldest;
    this.#oldest = oldest;
    if (!isSame) return false;
    this.#forgetMissing();
    this.#asked += 1;
    this.#standings.clear();
    this.#mark = confirmed;
    return true;
  }

  get asked(): number {
    return this.#asked;
  }

  #hear(): void {
    this.#isHeard = true;
    this.#isBounded = true;
  }

  #leastAllowed(): number {
    const oldestMs = performance.now() - ALLOWED_MS;
    let least = Number.POSITIVE_INFINITY;
    for (const [taker, { share, atMs }] of this.#allowed) {
      if (atMs < oldestMs) this.#allowed.delete(taker);
      else least = Math.min(least, share);
    }
    return Number.isFinite(least) ? least : FIRST_SHARE;
  }

  #forgetMissing(): void {
    const missing = this.#nowMissing();
    for (const number of missing) if (this.#missing.has(number)) this.#unsettled.delete(number);
    this.#missing = missing;
  }

  /** By the answers to the last question: nobody can say unless all of the kept have answered. */
  #nowMissing(): ReadonlySet<number> {
    const answers = new Map([...this.#standings].filter(([, { asked }]) => asked === this.#asked));
    const isTold = answers.size > 0 && [...this.#kept].every((name) => answers.has(name));
    if (!isTold) return new Set();
    const isGone = (number: number): boolean =>
      number <= this.#mark &&
      [...answers.values()].every(({ arrived, held, isIdle }) => (isIdle || number <= arrived) && !held.has(number));
    return new Set([...this.#unsettled].filter(isGone));
  }
}
