import type { NodeClock } from './clock.js';
import type { OpenClaim } from './proc.js';
import type { ProcDefinition } from './proc-facts.js';

/** When a claim ends that was given out a while ago, by the steady clock. */
export function deadlineOf(clock: NodeClock, { reclaimTimeout }: ProcDefinition, agedMs = 0): number {
  if (reclaimTimeout < 0) return Number.POSITIVE_INFINITY;
  return clock.steadyMs() + Math.max(0, reclaimTimeout - agedMs);
}

/** One timer for the deadlines of all claims. */
export class Deadlines {
  readonly #clock: NodeClock;
  readonly #expire: (nowMs: number) => number;
  #dueMs = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  /** @param expire ends what is due and says when the next is, by the steady clock */
  constructor(clock: NodeClock, expire: (nowMs: number) => number) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Something ends at this time. */
  add(deadlineMs: number): void {
    if (deadlineMs >= this.#dueMs) return;
    this.#cancel?.();
    this.#dueMs = deadlineMs;
    this.#cancel = this.#clock.after(deadlineMs - this.#clock.steadyMs(), () => this.#run());
  }

  stop(): void {
    this.#cancel?.();
    this.#dueMs = Number.NEGATIVE_INFINITY;
  }

  #run(): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.add(this.#expire(this.#clock.steadyMs()));
  }
}

/** Milliseconds that a claim is out before the log is told of it: most are acknowledged by then, and cost no write. */
const WRITE_AFTER_MS = 5;

/** Writes down which claims are out, behind them: those that are out for a moment. */
export class ClaimJournal {
  readonly #clock: NodeClock;
  readonly #write: (claims: readonly OpenClaim[]) => void;
  #newer: OpenClaim[] = [];
  #older: OpenClaim[] = [];
  #cancel: (() => void) | undefined;

  constructor(clock: NodeClock, write: (claims: readonly OpenClaim[]) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  add(claim: OpenClaim): void {
    this.#newer.push(claim);
    this.#cancel ??= this.#clock.after(WRITE_AFTER_MS, () => this.#tick());
  }

  /** Writes all of them now and none later. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = () => undefined;
    this.#flush([...this.#older, ...this.#newer]);
  }

  #tick(): void {
    this.#flush(this.#older);
    this.#older = this.#newer;
    this.#newer = [];
    const isIdle = this.#older.length === 0;
    this.#cancel = isIdle ? undefined : this.#clock.after(WRITE_AFTER_MS, () => this.#tick());
  }

  #flush(noted: readonly OpenClaim[]): void {
    const open = noted.filter(({ proc, isOut }) => isOut && !proc.isDestroyed);
    if (open.length > 0) this.#write(open);
  }
}
