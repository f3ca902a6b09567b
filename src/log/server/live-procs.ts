import type { LogNode } from '../node/log-node.js';
import { LIVE_PROC } from '../wire/index.js';

/** A client whose connection broke is back by then, or does not come back. */
const GRACE_MS = 15_000;

/** One connection, by the signal that aborts when it is over. */
type Holder = AbortSignal;

/**
 * Live procs belong to the program that follows a topic with them: under a name that nobody else knows. Those whose program
 * is gone are destroyed: they would hold back collection, and whoever waits for all procs, for ever.
 */
export class LiveProcs {
  readonly #node: LogNode;
  readonly #graceMs: number;
  readonly #holders = new Map<string, Holder>();
  /** Since when, by name. */
  readonly #abandoned = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Those that are there already wait for their programs. */
  constructor(node: LogNode, graceMs = GRACE_MS) {
    this.#node = node;
    this.#graceMs = graceMs;
    for (const { name } of node.listProcs()) if (name.startsWith(LIVE_PROC)) this.#abandon(name);
  }

  /** A client asks for its next records. */
  asked(proc: string, holder: Holder): void {
    if (!proc.startsWith(LIVE_PROC)) return;
    this.#holders.set(proc, holder);
    this.#abandoned.delete(proc);
  }

  /** Its program is gone, and was not back yet. */
  isAbandoned(proc: string): boolean {
    return this.#abandoned.has(proc);
  }

  /** The client says goodbye. */
  leave(holder: Holder): void {
    for (const proc of this.#take(holder)) this.#destroy(proc);
  }

  /** Its connection is over. It may come back. */
  lost(holder: Holder): void {
    for (const proc of this.#take(holder)) this.#abandon(proc);
  }

  /** Destroys none any more. Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #take(holder: Holder): readonly string[] {
    const procs = [...this.#holders].flatMap(([proc, by]) => (by === holder ? [proc] : []));
    for (const proc of procs) this.#holders.delete(proc);
    return procs;
  }

  #abandon(proc: string): void {
    this.#abandoned.set(proc, performance.now());
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.#sweep(), this.#graceMs);
  }

  #sweep(): void {
    this.#timer = undefined;
    const sinceMs = performance.now() - this.#graceMs;
    for (const [proc, atMs] of this.#abandoned) {
      if (atMs > sinceMs) continue;
      this.#abandoned.delete(proc);
      this.#destroy(proc);
    }
    if (this.#abandoned.size > 0) this.#timer = setTimeout(() => this.#sweep(), this.#graceMs);
  }

  /** One that is gone already is what was wanted; one that the disk keeps is found at the next start. */
  #destroy(proc: string): void {
    this.#node.destroyProc(proc).catch(() => undefined);
  }
}
