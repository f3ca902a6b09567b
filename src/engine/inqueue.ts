import {
  type Claim,
  CorruptionError,
  DiskFullError,
  INQUEUE,
  LogError,
  type LogNode,
  type StoredRecord,
} from '../log/index.js';
import type { QueueName } from '../names.js';
import type { EngineDepth } from './engine.js';
import { Expiry } from './expiry.js';
import { Line } from './line.js';
import { type QueueLimit, Room } from './room.js';
import { Throughput } from './throughput.js';
import type { Held, Window } from './window.js';

/** More claims than anybody can have out: how many there may be is the windows' affair. */
const NO_LIMIT = 1_000_000_000;
const PROC = { offset: '$>', maxClaims: NO_LIMIT, maxReclaims: -1, reclaimTimeout: -1, trail: false };
const NONE = { ready: 0, unacked: 0, taken: 0, acked: 0 };

export interface InqueueOptions {
  readonly limit: QueueLimit;
  readonly ttlMs?: number | undefined;
}

export interface InqueueParts {
  readonly node: LogNode;
  readonly nowMs: () => number;
  /** There may be room again. */
  onRoom(queue: Inqueue): void;
  /** Waited too long; the claim is held. `done` is called when it is a dead letter. */
  onExpired(queue: Inqueue, claim: Claim, done: () => void): void;
  /** It was removed: who waits for room in it need not. */
  onGone(queue: Inqueue): void;
  onError(error: unknown, during: string): void;
}

/** One inqueue: a topic with a proc, who takes from it, and who waits for room. */
export class Inqueue {
  readonly name: QueueName;
  /** Of the proc. */
  readonly proc: string;
  /** Submissions that wait for room. */
  readonly waiting = new Line();
  readonly #parts: InqueueParts;
  readonly #throughput = new Throughput();
  readonly #expiry: Expiry;
  readonly #room: Room;
  #taking: Window[] = [];
  #turn = 0;
  /** What happens while records are being claimed must not go unseen. */
  #touches = 0;
  #isClaiming = false;
  #isAwake = false;
  /** The first of what came back while records were being claimed. */
  #cameBack = Number.POSITIVE_INFINITY;
  #isDropping = false;
  /** Why nothing more can be taken. */
  #damage: CorruptionError | undefined;
  #unsubscribe: (() => void) | undefined;
  #isGone = false;

  private constructor(name: QueueName, { limit, ttlMs }: InqueueOptions, parts: InqueueParts) {
    this.name = name;
    this.proc = INQUEUE + name;
    this.#parts = parts;
    const { node, nowMs } = parts;
    this.#room = new Room(limit, () => node.ready(this.proc));
    const hand = (claim: Claim): void => this.#hand(claim);
    this.#expiry = new Expiry(ttlMs, { node, proc: this.proc, nowMs, hand, touch: () => this.touch() });
  }

  /** Makes it, or finds it again: what was in somebody's hands goes back, marked as redelivered. */
  static async open(name: QueueName, options: InqueueOptions, parts: InqueueParts): Promise<Inqueue> {
    const queue = new Inqueue(name, options, parts);
    const { node } = parts;
    const { maxClaims, maxReclaims, reclaimTimeout } = await node.ensureProc(name, { ...PROC, name: queue.proc });
    const isOurs = maxClaims === NO_LIMIT && maxReclaims < 0 && reclaimTimeout < 0;
    if (!isOurs) await node.updateProc(queue.proc, PROC); // made by a client of the log
    await Promise.all(node.outstanding(queue.proc).map((token) => queue.#reclaim(token)));
    await queue.#weigh().catch((error: unknown) => queue.#failed(error, `weighing what '${name}' has`)); // the rest may be well
    queue.#unsubscribe = node.onWork(queue.proc, () => queue.touch());
    return queue;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get limit(): QueueLimit {
    return this.#room.limit;
  }

  /** It is another one from now on, with what it holds. */
  change({ limit, ttlMs }: InqueueOptions): void {
    this.#room.limit = limit;
    this.#expiry.change(ttlMs);
    this.#parts.onRoom(this);
    this.touch();
  }

  /** False while who sends this has to wait; true also for what is more than the limit, when nothing is there. */
  hasRoomFor(messages: number, bytes: number): boolean {
    return this.#room.isFor(messages, bytes);
  }

  /** A message is on its way here. */
  reserve(bytes: number): void {
    this.#room.reserve(bytes);
  }

  /** It has come, or does not come. */
  arrived(bytes: number, hasCome: boolean): void {
    this.#room.arrived(bytes, hasCome);
    if (this.waiting.size > 0) this.#parts.onRoom(this);
  }

  join(window: Window): void {
    this.#taking.push(window);
    this.touch();
  }

  pause(window: Window): void {
    this.#taking = this.#taking.filter((other) => other !== window);
  }

  /** What somebody held goes back to where it stood, marked as redelivered. */
  async giveBack({ token, bytes, sequence }: Held): Promise<void> {
    this.#cameBack = Math.min(this.#cameBack, sequence);
    this.#expiry.somethingCameBack();
    this.#room.add(bytes);
    if (!(await this.#reclaim(token))) this.#room.remove(bytes);
  }

  /** @returns false when somebody else took it away before */
  async #reclaim(token: string): Promise<boolean> {
    try {
      await this.#parts.node.reclaim(this.proc, token);
      return true;
    } catch (error) {
      if (error instanceof LogError) return false;
      // It is back all the same: what a full disk did not take is only that it was out.
      if (error instanceof DiskFullError) return true;
      throw error;
    }
  }

  /** To be called when there may be something to hand out. */
  touch(): void {
    this.#touches += 1;
    if (this.#expiry.isOn) void this.#expire();
    if (this.#isClaiming || this.#isAwake) return;
    // Many are settled together: their places are filled together.
    this.#isAwake = true;
    queueMicrotask(() => {
      this.#isAwake = false;
      if (!this.#isClaiming) void this.#claim();
    });
  }

  /** Forgets the oldest that are more than the limit. Resolves with how many. */
  async dropSurplus(): Promise<number> {
    if (this.#isDropping) return 0;
    this.#isDropping = true;
    const { node } = this.#parts;
    let dropped = 0;
    try {
      for (;;) {
        const { surplus } = this.#room;
        if (surplus === 0) return dropped;
        const claims = await node.claim(this.proc, surplus);
        if (claims.length === 0) return dropped;
        for (const { records } of claims) this.#room.remove(records[0]?.body.length ?? 0);
        await Promise.all(claims.map(({ token }) => node.ack(this.proc, token)));
        dropped += claims.length;
      }
    } finally {
      this.#isDropping = false;
    }
  }

  depth(): EngineDepth {
    const { ready, unacked, taken, acked } = this.#parts.node.backlog(this.proc) ?? NONE;
    const rates = this.#throughput.rates(this.#parts.nowMs(), { in: taken, out: acked });
    const waiting = this.waiting.size > 0 && { waiting: this.waiting.size };
    const damage = this.#damage && { damage: this.#damage.message };
    return { queue: this.name, ready, unacked, consumers: this.#taking.length, ...rates, ...waiting, ...damage };
  }

  /** It is used no more. */
  stop(): void {
    this.#isGone = true;
    this.#unsubscribe?.();
    this.#expiry.stop();
  }

  /** Hands out what is ready, to each consumer in turn, for as long as one has room. */
  async #claim(): Promise<void> {
    this.#isClaiming = true;
    try {
      for (let wanted = this.#wanted(); wanted > 0 && !this.#isGone; wanted = this.#wanted()) {
        this.#cameBack = Number.POSITIVE_INFINITY;
        const touches = this.#touches;
        const claims = await this.#parts.node.claim(this.proc, wanted);
        const [first] = claims;
        if (!first && touches === this.#touches) break;
        if (!first) continue;
        this.#damage = undefined;
        if (this.#cameBack < (first.records[0]?.sequence ?? 0)) this.#putBack(claims);
        else for (const claim of claims) this.#hand(claim);
        if (this.waiting.size > 0) this.#parts.onRoom(this);
      }
      this.#room.correct();
    } catch (error) {
      this.#failed(error, `taking from '${this.name}'`);
    } finally {
      this.#isClaiming = false;
    }
  }

  #hand(claim: Claim): void {
    const [record] = claim.records;
    if (!record) return;
    const isExpired = this.#expiry.isOver(record);
    const window = isExpired ? undefined : this.#nextWithRoom();
    if (isExpired || window) this.#room.remove(record.body.length);
    if (isExpired) this.#parts.onExpired(this, claim, this.#expiry.bury());
    else if (window) this.#give(window, claim, record);
    else this.#putBack([claim]);
  }

  #give(window: Window, claim: Claim, record: StoredRecord): void {
    try {
      window.hand(claim, record);
    } catch (error) {
      this.#parts.onError(error, `delivering from '${this.name}'`); // held all the same; those behind it must not suffer
    }
  }

  /** Nobody has seen them. */
  #putBack(claims: readonly Claim[]): void {
    this.#expiry.somethingCameBack();
    for (const { token } of claims) this.#parts.node.release(this.proc, token);
  }

  /** How many deliveries there is room for in windows. */
  #wanted(): number {
    if (this.#expiry.isBusy) return 0;
    let wanted = 0;
    for (const window of this.#taking) wanted += window.room;
    return wanted;
  }

  #nextWithRoom(): Window | undefined {
    for (let tried = 0; tried < this.#taking.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#taking.length;
      const window = this.#taking[this.#turn];
      if (window && window.room > 0) return window;
    }
    return undefined;
  }

  async #expire(): Promise<void> {
    try {
      await this.#expiry.look();
    } catch (error) {
      this.#failed(error, `looking for what is too old in '${this.name}'`);
    }
  }

  /** It is tried again at the next touch. */
  #failed(error: unknown, during: string): void {
    if (error instanceof CorruptionError) this.#damage = error;
    if (!this.#isGone) this.#parts.onError(error, during);
  }

  async #weigh(): Promise<void> {
    const { node } = this.#parts;
    if (!Number.isFinite(this.#room.limit.maxBytes)) return;
    const first = await node.peek(this.proc);
    if (!first) return;
    for await (const page of node.pages(this.name, { start: `:${first.sequence}` }))
      for (const { body } of page) this.#room.add(body.length);
  }
}
