import type { QueueName } from '../../names.js';
import { type Handler, InHand } from '../index.js';
import type { Arrival, Holder } from './arrivals.js';
import type { Taker } from './attempt.js';
import { Fifo } from './fifo.js';

/** One consumer's share of an inqueue. */
export class Member implements Taker {
  readonly handler: Handler;
  readonly prefetch: number;
  readonly inHand = new InHand();
  readonly #leaving = new AbortController();
  /** Unlike `inHand.size` this is up to date within the same turn of the event loop. */
  running = 0;

  /** @throws {RangeError} unless `prefetch` is a whole number above zero. */
  constructor(handler: Handler, prefetch: number) {
    if (!Number.isInteger(prefetch) || prefetch < 1)
      throw new RangeError(`prefetch must be a whole number above 0, got ${prefetch}`);
    this.handler = handler;
    this.prefetch = prefetch;
  }

  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  /** What it has in hand and gives back from now on is for others. */
  leave(): void {
    this.#leaving.abort();
  }
}

/** A message on its way through one inqueue; one that two inqueues listen to is settled when both are done. */
export interface Job {
  readonly arrival: Arrival;
  done(): void;
}

/** A message in the hands of a handler. Its place counts until it is settled or taken away. */
class Run implements Holder {
  readonly #job: Job;
  readonly #member: Member;
  readonly #open: Set<Job>;
  #isRunning = true;

  constructor(job: Job, member: Member, open: Set<Job>) {
    this.#job = job;
    this.#member = member;
    this.#open = open;
    member.running += 1;
    member.inHand.begin();
    open.add(job);
    job.arrival.begin(this);
  }

  abandon(): void {
    this.#open.delete(this.#job);
    this.end();
  }

  end(): void {
    if (this.#isRunning) this.#member.running -= 1;
    this.#isRunning = false;
  }
}

/** Hands a message to a handler; resolves with true when it is settled. Never rejects. */
export type Attempt = (job: Job, taker: Taker) => Promise<boolean>;

/**
 * What one client knows of an inqueue: its consumers, the outqueues it listens to, and the messages that wait for a
 * consumer with room. Of several consumers the one with the fewest in hand gets the next message.
 */
export class Inqueue {
  readonly name: QueueName;
  /** Undefined until somebody says: then it is not known whether a remembered subscription is still wanted. */
  sources: ReadonlySet<QueueName> | undefined;
  /** Sources that it listened to and was told to leave: what was sent before is still on its way. */
  readonly former = new Set<QueueName>();
  /** What is subscribed to for it now: its own name, and the sources. */
  readonly subscribed = new Set<QueueName>();
  readonly #members = new Set<Member>();
  readonly #waiting = new Fifo<Job>();
  /** Handed over and not settled. */
  readonly #open = new Set<Job>();
  readonly #attempt: Attempt;
  #stopped = false;

  constructor(name: QueueName, attempt: Attempt) {
    this.name = name;
    this.#attempt = attempt;
  }

  /** Of all its consumers together. */
  get prefetch(): number {
    let sum = 0;
    for (const { prefetch } of this.#members) sum += prefetch;
    return sum;
  }

  get hasMembers(): boolean {
    return this.#members.size > 0;
  }

  add(member: Member): void {
    this.#members.add(member);
    this.#pump();
  }

  /** Nothing more is handed to it. */
  remove(member: Member): void {
    this.#members.delete(member);
    member.leave();
  }

  /** What comes again takes the place that it had in a handler: the next in turn would come again as well, and so on. */
  offer(job: Job): void {
    if (job.arrival.isRepeat) this.#waiting.unshift(job);
    else this.#waiting.push(job);
    this.#pump();
  }

  /** Hands nothing over any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** True when nothing is in hand any more. */
  async idle(graceMs: number): Promise<boolean> {
    const all = await Promise.all([...this.#members].map(({ inHand }) => inHand.idle(graceMs)));
    return all.every(Boolean);
  }

  /**
   * What waits, and with `inHand` what was handed over and is not settled; nothing of it remains here. With `isKept`
   * only what the broker keeps for the next holder of the slot, or only what it does not.
   */
  take({ inHand, isKept }: { readonly inHand: boolean; readonly isKept?: boolean }): readonly Job[] {
    const isAsked = ({ arrival }: Job): boolean => isKept === undefined || arrival.isKept === isKept;
    const open = inHand ? [...this.#open].filter(isAsked) : [];
    for (const job of open) this.#open.delete(job);
    const waiting = [...this.#waiting.drain()];
    for (const job of waiting) if (!isAsked(job)) this.#waiting.push(job);
    return [...open, ...waiting.filter(isAsked)];
  }

  #pump(): void {
    while (!this.#stopped && this.#waiting.size > 0) {
      const member = this.#freest();
      const job = member && this.#waiting.shift();
      if (!job) return;
      void this.#run(job, member);
    }
  }

  #freest(): Member | undefined {
    let best: Member | undefined;
    for (const member of this.#members) {
      if (member.running < Math.min(member.prefetch, best?.running ?? member.prefetch)) best = member;
    }
    return best;
  }

  async #run(job: Job, member: Member): Promise<void> {
    const run = new Run(job, member, this.#open);
    const isSettled = await this.#attempt(job, member);
    run.end();
    // Not so when it was taken away meanwhile, to be given back or because it came again.
    const isOurs = (isSettled || member.leaving.aborted) && this.#open.delete(job);
    if (isOurs && isSettled) job.done();
    else if (isOurs) this.#waiting.unshift(job);
    this.#pump();
    member.inHand.end();
  }
}
