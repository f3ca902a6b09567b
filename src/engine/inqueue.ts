import type { Claim, LogNode } from '../log/index.js';
import type { QueueName } from '../names.js';
import { EarliestTimer } from './earliest-timer.js';
import type { EngineDepth } from './engine.js';
import type { Pending } from './pending.js';
import { Throughput } from './throughput.js';
import type { Window } from './window.js';

/** More claims than anybody can have out: how many there may be is the windows' affair. */
const NO_LIMIT = 1_000_000_000;
const NONE = { ready: 0, unacked: 0, taken: 0, acked: 0 };

/** How much an inqueue holds ready, and what happens beyond: `wait` holds senders back, `drop-oldest` makes room. */
export interface QueueLimit {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly beyond: 'wait' | 'drop-oldest';
}

export interface InqueueOptions {
  readonly limit: QueueLimit;
  readonly ttlMs?: number | undefined;
}

export interface InqueueParts {
  readonly node: LogNode;
  readonly nowMs: () => number;
  /** There may be room again. */
  onRoom(queue: Inqueue): void;
  /** Waited too long; the claim is held. */
  onExpired(queue: Inqueue, claim: Claim): void;
  onError(error: unknown, during: string): void;
}

/** One inqueue: a topic with a proc, who takes from it, and who waits for room. */
export class Inqueue {
  readonly name: QueueName;
  /** Of the proc. */
  readonly proc: string;
  readonly limit: QueueLimit;
  readonly ttlMs: number | undefined;
  /** Submissions that wait for room, in order of coming. */
  readonly waiting = new Set<Pending>();
  readonly #parts: InqueueParts;
  readonly #throughput = new Throughput();
  #taking: Window[] = [];
  #turn = 0;
  /** Being written, and not ready yet. */
  #reserved = 0;
  #reservedBytes = 0;
  /** Of what is ready, where there is a limit to it. */
  #bytes = 0;
  #isClaiming = false;
  #isExpiring = false;
  #expiry: EarliestTimer | undefined;
  #unsubscribe: (() => void) | undefined;
  #isGone = false;

  private constructor(name: QueueName, { limit, ttlMs }: InqueueOptions, parts: InqueueParts) {
    this.name = name;
    this.proc = `in:${name}`;
    this.limit = limit;
    this.ttlMs = ttlMs;
    this.#parts = parts;
  }

  /** Makes it, or finds it again: what was in somebody's hands goes back, marked as redelivered. */
  static async open(name: QueueName, options: InqueueOptions, parts: InqueueParts): Promise<Inqueue> {
    const queue = new Inqueue(name, options, parts);
    const { node } = parts;
    const made = { name: queue.proc, offset: '$>', maxClaims: NO_LIMIT, maxReclaims: -1, reclaimTimeout: -1 };
    await node.ensureProc(name, made);
    await Promise.all(node.outstanding(queue.proc).map((token) => node.reclaim(queue.proc, token)));
    if (Number.isFinite(options.limit.maxBytes)) await queue.#weigh();
    queue.#unsubscribe = node.onWork(queue.proc, () => queue.touch());
    return queue;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** False while who sends this has to wait; true also for what is more than the limit, when nothing is there. */
  hasRoomFor(messages: number, bytes: number): boolean {
    const { maxMessages, maxBytes, beyond } = this.limit;
    if (beyond === 'drop-oldest') return true;
    const here = this.#ready + this.#reserved;
    return here === 0 || (here + messages <= maxMessages && this.#bytes + this.#reservedBytes + bytes <= maxBytes);
  }

  /** A message is on its way here. */
  reserve(bytes: number): void {
    this.#reserved += 1;
    this.#reservedBytes += bytes;
  }

  /** It has come, or does not come. */
  arrived(bytes: number, hasCome: boolean): void {
    this.#reserved -= 1;
    this.#reservedBytes -= bytes;
    if (hasCome) this.#bytes += bytes;
    else this.#parts.onRoom(this);
  }

  join(window: Window): void {
    this.#taking.push(window);
    this.touch();
  }

  pause(window: Window): void {
    this.#taking = this.#taking.filter((other) => other !== window);
  }

  /** What somebody held goes back to where it stood, marked as redelivered. */
  giveBack(token: string, bytes: number): Promise<unknown> {
    this.#bytes += bytes;
    return this.#parts.node.reclaim(this.proc, token);
  }

  /** To be called when there may be something to hand out. */
  touch(): void {
    if (this.ttlMs !== undefined) void this.#expire(this.ttlMs);
    void this.#claim();
  }

  /** Forgets the oldest that are more than the limit. Resolves with how many. */
  async dropSurplus(): Promise<number> {
    const { node } = this.#parts;
    let dropped = 0;
    for (;;) {
      const surplus = this.#ready - this.limit.maxMessages;
      const isHeavy = this.#bytes > this.limit.maxBytes;
      if (surplus <= 0 && !isHeavy) return dropped;
      const claims = await node.claim(this.proc, Math.max(surplus, 1));
      if (claims.length === 0) return dropped;
      for (const { records } of claims) this.#bytes -= records[0]?.body.length ?? 0;
      await Promise.all(claims.map(({ token }) => node.ack(this.proc, token)));
      dropped += claims.length;
    }
  }

  depth(): EngineDepth {
    const { ready, unacked, taken, acked } = this.#parts.node.backlog(this.proc) ?? NONE;
    const rates = this.#throughput.rates(this.#parts.nowMs(), { in: taken, out: acked });
    return { queue: this.name, ready, unacked, consumers: this.#taking.length, ...rates };
  }

  /** It is used no more. */
  stop(): void {
    this.#isGone = true;
    this.#unsubscribe?.();
    this.#expiry?.clear();
  }

  get #ready(): number {
    return this.#parts.node.backlog(this.proc)?.ready ?? 0;
  }

  /** Hands out what is ready, to each consumer in turn, for as long as one has room. */
  async #claim(): Promise<void> {
    if (this.#isClaiming) return;
    this.#isClaiming = true;
    try {
      for (let room = this.#room(); room > 0 && !this.#isGone; room = this.#room()) {
        const claims = await this.#parts.node.claim(this.proc, room);
        if (claims.length === 0) break;
        for (const claim of claims) this.#hand(claim);
        this.#parts.onRoom(this);
      }
    } catch (error) {
      if (!this.#isGone) this.#parts.onError(error, `taking from '${this.name}'`);
    } finally {
      this.#isClaiming = false;
    }
  }

  #hand(claim: Claim): void {
    const [record] = claim.records;
    if (!record) return;
    const window = this.#nextWithRoom();
    const isExpired = this.ttlMs !== undefined && record.timestampMs + this.ttlMs <= this.#parts.nowMs();
    if (isExpired || window) this.#took(record.body.length);
    if (isExpired) this.#parts.onExpired(this, claim);
    else if (window) window.hand(claim, record);
    else this.#parts.node.release(this.proc, claim.token);
  }

  #took(bytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - bytes);
  }

  #room(): number {
    let room = 0;
    for (const window of this.#taking) room += window.room;
    return room;
  }

  #nextWithRoom(): Window | undefined {
    for (let tried = 0; tried < this.#taking.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#taking.length;
      const window = this.#taking[this.#turn];
      if (window && window.room > 0) return window;
    }
    return undefined;
  }

  /** Takes out what waited too long, though nobody comes for it, and looks again when the next one has. */
  async #expire(ttlMs: number): Promise<void> {
    if (this.#isExpiring) return;
    this.#isExpiring = true;
    const { node, nowMs } = this.#parts;
    try {
      for (;;) {
        const first = await node.peek(this.proc);
        if (!first || this.#isGone) return;
        const dueMs = first.timestampMs + ttlMs;
        if (dueMs > nowMs()) {
          this.#expiry ??= new EarliestTimer(() => this.touch());
          this.#expiry.set(dueMs, nowMs());
          return;
        }
        const claim = await node.claimWithin(this.proc, first.sequence, first.sequence);
        if (claim) this.#hand(claim);
      }
    } catch (error) {
      if (!this.#isGone) this.#parts.onError(error, `looking for what is too old in '${this.name}'`);
    } finally {
      this.#isExpiring = false;
    }
  }

  async #weigh(): Promise<void> {
    const { node } = this.#parts;
    const first = await node.peek(this.proc);
    if (!first) return;
    for await (const page of node.pages(this.name, { start: `:${first.sequence}` }))
      for (const { body } of page) this.#bytes += body.length;
  }
}
