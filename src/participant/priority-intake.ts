import type { Inport } from './inport.js';
import { inOrder } from './inport-order.js';
import type { AcquireOptions, Permits } from './permits.js';

export interface PriorityOptions {
  /** How many calls of process() there may be at a time. */
  readonly limit: number;
  /** So long nothing may have happened on the earlier ports: a broker needs a moment to send the next. @default 50 */
  readonly quietMs?: number;
  /** What waits longer for the earlier ports is given back: another instance may have time for it. @default 10000 */
  readonly patienceMs?: number;
}

interface Waiting {
  readonly inport: Inport;
  readonly permits: number;
  readonly isKept: boolean;
  readonly sinceMs: number;
  readonly resolve: (isAcquired: boolean) => void;
}

/** The ports of one `order`. */
class Rank {
  readonly ports: readonly Inport[];
  waiting: Waiting[] = [];
  /** When a message last came or was settled. */
  activeAtMs: number;
  #happened = 0;

  constructor(ports: readonly Inport[], nowMs: number) {
    this.ports = ports;
    this.activeAtMs = nowMs;
  }

  /** Whether messages have come that are not settled, but for those that wait for their next attempt. */
  get isBusy(): boolean {
    if (this.waiting.length > 0) return true;
    return this.ports.some(({ taken, settled, pausing }) => taken - settled - pausing > 0);
  }

  /** Takes note of what has happened meanwhile. */
  update(nowMs: number): void {
    const happened = this.ports.reduce((sum, { taken, settled }) => sum + taken + settled, 0);
    if (happened !== this.#happened) this.activeAtMs = nowMs;
    this.#happened = happened;
  }
}

/**
 * Permits for a participant whose inports have an `order`. They go to the earliest port that has a message waiting; a later
 * port gets one only while no earlier port has any in hand, and for a moment none had. Ports of one order are alike.
 */
export class PriorityIntake implements Permits {
  readonly #options: Required<PriorityOptions>;
  readonly #ranks: readonly Rank[];
  readonly #rankOf = new Map<Inport, Rank>();
  readonly #running = new Map<Inport, number>();
  #free: number;
  #stopped = false;
  #wake: NodeJS.Timeout | undefined;

  constructor(ports: readonly Inport[], { limit, quietMs = 50, patienceMs = 10_000 }: PriorityOptions) {
    this.#options = { limit, quietMs, patienceMs };
    this.#free = limit;
    const nowMs = performance.now();
    this.#ranks = inOrder(ports).map((each) => new Rank(each, nowMs));
    for (const rank of this.#ranks) for (const port of rank.ports) this.#rankOf.set(port, rank);
  }

  /** Always asked for in turn: what is first is seen when all who wait are. */
  tryAcquire(): boolean {
    return false;
  }

  async acquire(inport: Inport, { alone = false, keep = false }: AcquireOptions = {}): Promise<boolean> {
    const rank = this.#rankOf.get(inport);
    if (this.#stopped || !rank) return false;
    return new Promise((resolve) => {
      const permits = alone ? this.#options.limit : 1;
      const isKept = keep || rank === this.#ranks[0];
      rank.waiting.push({ inport, permits, isKept, sinceMs: performance.now(), resolve });
      this.#next();
    });
  }

  release(inport: Inport, alone: boolean): void {
    this.#running.set(inport, this.#runningOf(inport) - 1);
    this.#free += alone ? this.#options.limit : 1;
    this.#next();
  }

  /** Messages have come or were settled. */
  changed(): void {
    const nowMs = performance.now();
    for (const rank of this.#ranks) rank.update(nowMs);
    this.#next();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#wake);
    for (const { waiting } of this.#ranks) for (const { resolve } of waiting.splice(0)) resolve(false);
  }

  #next(): void {
    if (this.#stopped) return;
    const nowMs = performance.now();
    let dueMs = 0;
    for (const rank of this.#ranks) {
      if (rank.waiting.length > 0 && nowMs >= dueMs) this.#admit(rank);
      // What comes or is settled there will be told; until then no time passes for those behind.
      if (rank.isBusy) dueMs = Number.POSITIVE_INFINITY;
      else dueMs = Math.max(dueMs, rank.activeAtMs + this.#options.quietMs);
    }
    this.#arm(nowMs);
  }

  /** The earlier ports are given a message more than their prefetch, to show that they have one: it does not run yet. */
  #admit({ waiting }: Rank): void {
    for (let at = 0; at < waiting.length && this.#free > 0; ) {
      const each = waiting[at];
      if (!each || each.permits > this.#free) return;
      if (this.#runningOf(each.inport) >= each.inport.prefetch) {
        at += 1;
        continue;
      }
      this.#free -= each.permits;
      this.#running.set(each.inport, this.#runningOf(each.inport) + 1);
      waiting.splice(at, 1);
      each.resolve(true);
    }
  }

  #runningOf(inport: Inport): number {
    return this.#running.get(inport) ?? 0;
  }

  /** Wakes up when a later port has been waiting for the quiet that there is, or for too long. */
  #arm(nowMs: number): void {
    clearTimeout(this.#wake);
    const { quietMs, patienceMs } = this.#options;
    let wakeMs = Number.POSITIVE_INFINITY;
    let quietAtMs = 0;
    for (const { waiting, isBusy, activeAtMs } of this.#ranks) {
      const oldest = waiting.find(({ isKept }) => !isKept);
      if (oldest) wakeMs = Math.min(wakeMs, oldest.sinceMs + patienceMs);
      if (waiting.length > 0 && quietAtMs > nowMs) wakeMs = Math.min(wakeMs, quietAtMs);
      quietAtMs = isBusy ? Number.POSITIVE_INFINITY : Math.max(quietAtMs, activeAtMs + quietMs);
    }
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#wake = setTimeout(() => this.#woken(), Math.max(1, Math.ceil(wakeMs - nowMs)));
  }

  #woken(): void {
    const beforeMs = performance.now() - this.#options.patienceMs;
    for (const rank of this.#ranks) {
      const late = rank.waiting.filter(({ isKept, sinceMs }) => !isKept && sinceMs <= beforeMs);
      rank.waiting = rank.waiting.filter((each) => !late.includes(each));
      for (const { resolve } of late) resolve(false);
    }
    this.#next();
  }
}
