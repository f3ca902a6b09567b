import type { ProcessState } from '../process/index.js';

/** Nobody waits longer for the first word of a participant whose process we have started, in ms. */
const OVERDUE_MS = 30_000;

/** The processes as the launcher has told of them, and how long each has been there. */
export class ProcessTable {
  readonly #states = new Map<string, ProcessState>();
  /** When each was first seen; starts after a crash do not begin it anew. */
  readonly #sinceMs = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get states(): ReadonlyMap<string, ProcessState> {
    return this.#states;
  }

  /** Keys of processes that have had all the time that an announcement takes. */
  get overdue(): ReadonlySet<string> {
    const beforeMs = this.#nowMs() - OVERDUE_MS;
    return new Set([...this.#sinceMs].flatMap(([key, sinceMs]) => (sinceMs < beforeMs ? [key] : [])));
  }

  take(state: ProcessState): void {
    this.#states.set(state.key, state);
    if (state.status === 'stopped') this.#sinceMs.delete(state.key);
    else if (!this.#sinceMs.has(state.key)) this.#sinceMs.set(state.key, this.#nowMs());
  }
}
