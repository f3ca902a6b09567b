import type { QueueName } from '../../names.js';
import { type Logger, within } from '../../support/index.js';
import { type ConsumeOptions, type Consumer, type Handler, UnroutedLanes } from '../index.js';
import type { Arrival } from './arrivals.js';
import { attempt } from './attempt.js';
import { claim, claimKey } from './claims.js';
import { creditOf } from './credit.js';
import { bury, isExpired } from './expiry.js';
import { Inqueue, type Job, Member } from './inqueue.js';
import type { Intake } from './intake.js';
import { OnlyJob } from './only-job.js';
import type { Sender } from './sender.js';
import type { SettledTeller } from './settled-teller.js';
import { groupOf, nameOf, topicOf } from './topics.js';

export interface InqueuesOptions {
  /** Where deliveries come from, until `moveTo` says otherwise. */
  readonly intake: Intake;
  readonly sender: Sender;
  /** Whether the broker tells when nobody takes what is given back. */
  readonly tellsUnrouted: boolean;
  /** Whether `$share` works here. */
  readonly isShared: boolean;
  /** Inqueues whose messages are not to wait longer than so many ms. */
  readonly ttls: ReadonlyMap<QueueName, number>;
  /** Tells senders what was settled; absent where messages have no headers. */
  readonly teller: SettledTeller | undefined;
  /** Lets others know by which filters we take from an inqueue now. */
  readonly showTaker: (inqueue: QueueName, filters: readonly string[]) => void;
  readonly log: Logger;
}

/** A remembered subscription may bring messages before it is known whether they are still wanted; they wait this long. */
const UNDECIDED_MS = 10_000;
/** So long does a cancelled consumer with a slot stay subscribed: mostly the client closes next, and the session keeps. */
const LINGER_MS = 5000;
/** A broker that does not answer must not keep a client from leaving. */
const GIVE_BACK_LIMIT_MS = 2000;
/** Handlers that take fewer at a time, all together, may be done before the next are read. */
const WIDE = 64;

/** All that one client consumes: who gets which message, which topics it is subscribed to, what is given back. */
export class Inqueues {
  readonly #options: InqueuesOptions;
  readonly #inqueues = new Map<number, Inqueue>();
  readonly #closing = new AbortController();
  readonly #lanes = new UnroutedLanes(this.#closing.signal);
  #intake: Intake;
  #undecided: Arrival[] = [];
  #decideLater: NodeJS.Timeout | undefined;
  readonly #lingering = new Set<NodeJS.Timeout>();
  /** Filters already unsubscribed for being stale. */
  readonly #forgotten = new Set<string>();
  #stale = 0;

  constructor(options: InqueuesOptions) {
    this.#options = options;
    this.#intake = options.intake;
  }

  /** Whether so much is handed over at a time that it slows nobody when the next comes a moment later. */
  get isWide(): boolean {
    let sum = 0;
    for (const { prefetch } of this.#inqueues.values()) sum += prefetch;
    return sum >= WIDE;
  }

  /** Called with each message that comes. */
  take(arrival: Arrival): void {
    const { kind, by } = claim(arrival.message, this.#inqueues);
    if (kind === 'taken') this.#handOver(arrival, by);
    else if (kind === 'stale') this.#dropStale(arrival);
    else {
      this.#undecided.push(arrival);
      this.#decideLater ??= setTimeout(() => this.#decideNow(), UNDECIDED_MS);
    }
  }

  async consume(name: QueueName, handler: Handler, { prefetch = 1 }: ConsumeOptions = {}): Promise<Consumer> {
    const member = new Member(handler, prefetch);
    const inqueue = this.#inqueueOf(name);
    // Before any that comes from now on, which is known to be for this inqueue.
    this.#decide();
    await this.#subscribe(inqueue, name);
    inqueue.add(member);
    this.#options.teller?.listen(name);
    this.#show(inqueue);
    let cancelled: Promise<void> | undefined;
    return {
      listenTo: (sources) => this.#listenTo(inqueue, new Set(sources)),
      cancel: () => {
        cancelled ??= this.#cancel(inqueue, member);
        return cancelled;
      },
    };
  }

  /**
   * Hands out nothing more, waits for what is in hand, then gives back what the broker would forget. With `forGood` also
   * what it would keep for the next holder of the slot, which takes no share any more.
   */
  async close(graceMs: number, forGood = false): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#decideLater);
    for (const timer of this.#lingering) clearTimeout(timer);
    const all = [...this.#inqueues.values()];
    for (const inqueue of all) inqueue.stop();
    await Promise.all(all.map((inqueue) => inqueue.idle(graceMs)));
    if (this.#intake.isOpen) {
      const leaving = Promise.all(all.map((inqueue) => this.#leave(inqueue, forGood)));
      await within(leaving, GIVE_BACK_LIMIT_MS);
    }
    this.#options.teller?.end();
  }

  /** From now on `intake`, which is not open yet, is subscribed to all that the one before was. */
  moveTo(intake: Intake): void {
    intake.wantAs(this.#intake);
    this.#intake = intake;
    for (const inqueue of this.#inqueues.values()) this.#show(inqueue);
  }

  /** Another client holds our slot: the broker hands what was kept for us to that one. */
  forgetKept(): void {
    const kept = this.#undecided.filter(({ isKept }) => isKept);
    this.#undecided = this.#undecided.filter(({ isKept }) => !isKept);
    for (const inqueue of this.#inqueues.values()) {
      const jobs = inqueue.take({ inHand: true, isKept: true });
      for (const { arrival } of jobs) this.#disown(inqueue, arrival);
      kept.push(...jobs.map(({ arrival }) => arrival));
    }
    for (const arrival of kept) arrival.settle();
  }

  async #leave(inqueue: Inqueue, forGood: boolean): Promise<void> {
    if (forGood || !this.#intake.isKept) await this.#unsubscribe(inqueue);
    if (forGood) this.#show(inqueue);
    if (forGood) await this.#giveBack(inqueue, inqueue.take({ inHand: true, isKept: true }));
    const left = await this.#giveBack(inqueue, inqueue.take({ inHand: true, isKept: false }));
    if (left.length > 0)
      this.#options.log.warn(`${left.length} messages of '${inqueue.name}' are lost: nobody else takes them`);
  }

  /** Returns what nobody else took. */
  async #giveBack(inqueue: Inqueue, jobs: readonly Job[]): Promise<readonly Job[]> {
    const taken = await Promise.all(
      jobs.map((job) => this.#options.sender.giveBack(inqueue.name, job.arrival.message)),
    );
    for (const [at, job] of jobs.entries()) {
      if (!taken[at]) continue;
      this.#disown(inqueue, job.arrival);
      job.done();
    }
    return jobs.filter((_, at) => !taken[at]);
  }

  async #cancel(inqueue: Inqueue, member: Member): Promise<void> {
    inqueue.remove(member);
    await member.inHand.idle();
    if (inqueue.hasMembers || this.#closing.signal.aborted) return;
    if (!this.#intake.isKept) return this.#retire(inqueue);
    const timer = setTimeout(() => {
      this.#lingering.delete(timer);
      if (!inqueue.hasMembers) this.#retire(inqueue).catch((error) => this.#options.log.debug(String(error)));
    }, LINGER_MS);
    this.#lingering.add(timer);
  }

  /** What nobody else takes waits for a consumer that this client may make later. */
  async #retire(inqueue: Inqueue): Promise<void> {
    await this.#unsubscribe(inqueue);
    this.#show(inqueue);
    if (!this.#options.tellsUnrouted) return;
    for (const job of await this.#giveBack(inqueue, inqueue.take({ inHand: false }))) inqueue.offer(job);
  }

  async #listenTo(inqueue: Inqueue, sources: ReadonlySet<QueueName>): Promise<void> {
    const before = inqueue.subscribed;
    for (const source of inqueue.sources ?? []) inqueue.former.add(source);
    inqueue.sources = sources;
    const added = [...sources].filter((source) => !before.has(source));
    const removed = [...before].filter((source) => source !== inqueue.name && !sources.has(source));
    await Promise.all(added.map((source) => this.#subscribe(inqueue, source)));
    await Promise.all(removed.map((source) => this.#unsubscribeFrom(inqueue, source)));
    if (added.length + removed.length > 0) this.#show(inqueue);
    this.#decide();
  }

  async #subscribe(inqueue: Inqueue, source: QueueName): Promise<void> {
    const { isShared } = this.#options;
    const identified = isShared ? { subscriptionId: claimKey(inqueue) } : {};
    const filter = this.#filter(inqueue, source);
    this.#forgotten.delete(filter);
    await this.#intake.subscribe(filter, { qos: 1, ...identified });
    inqueue.subscribed.add(source);
  }

  async #unsubscribe(inqueue: Inqueue): Promise<void> {
    await Promise.all([...inqueue.subscribed].map((source) => this.#unsubscribeFrom(inqueue, source)));
  }

  async #unsubscribeFrom(inqueue: Inqueue, source: QueueName): Promise<void> {
    inqueue.subscribed.delete(source);
    const filter = this.#filter(inqueue, source);
    const others = [...this.#inqueues.values()].filter((other) => other.subscribed.has(source));
    if (!others.some((other) => this.#filter(other, source) === filter)) await this.#intake.unsubscribe(filter);
  }

  #filter({ name }: Inqueue, source: QueueName): string {
    return this.#options.isShared ? `$share/${groupOf(name)}/${topicOf(source)}` : topicOf(source);
  }

  #inqueueOf(name: QueueName): Inqueue {
    const key = claimKey({ name });
    const known = this.#inqueues.get(key);
    if (known) return known;
    const { sender, ttls, log } = this.#options;
    const options = { inqueue: name, sender, log, lanes: this.#lanes, signal: this.#closing.signal };
    const inqueue = new Inqueue(name, ({ arrival }, taker) => {
      const isLate = ttls.size > 0 && isExpired(arrival.message, ttls.get(name));
      return attempt(arrival, isLate ? { handler: bury, leaving: taker.leaving } : taker, options);
    });
    this.#inqueues.set(key, inqueue);
    return inqueue;
  }

  #handOver(arrival: Arrival, by: readonly Inqueue[]): void {
    const { teller } = this.#options;
    const credit = teller && creditOf(arrival.message.headers);
    const counts = credit && by.map(({ name }) => teller.arrived(name, credit));
    const [only, second] = by;
    if (only && !second) {
      only.offer(new OnlyJob(arrival, counts?.[0], credit?.number ?? 0, teller));
      return;
    }
    let left = by.length;
    const done = (): void => {
      left -= 1;
      if (left > 0) return;
      arrival.settle();
      for (const lane of counts ?? []) teller?.settledIn(lane, credit?.number ?? 0);
    };
    for (const inqueue of by) inqueue.offer({ arrival, done });
  }

  /** It is settled here, but others have it now: who sent it is not told. */
  #disown(inqueue: Inqueue, { message }: Arrival): void {
    const { teller } = this.#options;
    const credit = teller && creditOf(message.headers);
    if (credit) teller.forget(inqueue.name, credit);
  }

  #show(inqueue: Inqueue): void {
    const filters = [...inqueue.subscribed].map((source) => this.#filter(inqueue, source));
    this.#options.showTaker(inqueue.name, filters);
  }

  #decide(): void {
    if (this.#undecided.length === 0) return;
    clearTimeout(this.#decideLater);
    this.#decideLater = undefined;
    for (const arrival of this.#undecided.splice(0)) this.take(arrival);
  }

  /** Nobody said what the inqueue listens to: what was subscribed to earlier counts as wanted. */
  #decideNow(): void {
    this.#decideLater = undefined;
    for (const arrival of this.#undecided.splice(0)) {
      const { kind, by } = claim(arrival.message, this.#inqueues);
      if (kind !== 'stale' && by.length > 0) this.#handOver(arrival, by);
      else this.#dropStale(arrival);
    }
  }

  /** From a topic that is no source any more, though the session remembers it. */
  #dropStale(arrival: Arrival): void {
    const source = nameOf(arrival.message.topic);
    this.#stale += 1;
    const { log } = this.#options;
    log.warnOnce(`stale:${source}`, `messages from '${source}' are dropped: it is no source any more`);
    log.debug(`${this.#stale} messages dropped from topics that are no source any more`);
    arrival.settle();
    const { by } = claim(arrival.message, this.#inqueues);
    const { teller } = this.#options;
    const credit = creditOf(arrival.message.headers);
    if (credit) for (const inqueue of by) teller?.settledUnseen(inqueue.name, credit);
    const names = by.length > 0 ? by.map(({ name }) => name) : [source];
    const filters = [topicOf(source), ...names.map((name) => `$share/${groupOf(name)}/${topicOf(source)}`)];
    for (const filter of filters) this.#forget(filter).catch((error) => log.debug(String(error)));
  }

  async #forget(filter: string): Promise<void> {
    const isWanted = [...this.#inqueues.values()].some((inqueue) =>
      [...inqueue.subscribed].some((source) => this.#filter(inqueue, source) === filter),
    );
    if (isWanted || this.#forgotten.has(filter)) return;
    this.#forgotten.add(filter);
    await this.#intake.unsubscribe(filter);
  }
}
