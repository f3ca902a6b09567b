import { asRole, type Role } from '../names.js';
import type { OutputLine, ProcessState, ProcessStatus } from '../process/index.js';
import type { Launcher } from './launcher.js';

export interface ProcessFeedOptions {
  /** Absent: nothing is started here. */
  readonly launcher: Launcher | undefined;
  readonly nowMs: () => number;
  /** Called after each change; with the role where its process is not at work any more. */
  readonly changed: (state: ProcessState, ended: Role | undefined) => void;
  readonly output: (line: OutputLine) => void;
}

/** Nobody waits longer for the first word of a participant whose process we have started, in ms. */
const OVERDUE_MS = 30_000;

const HAS_ENDED: ReadonlySet<ProcessStatus> = new Set(['backoff', 'failed', 'stopped', 'ended']);

/** The processes as the launcher tells of them, and how long each has been there. */
export class ProcessFeed {
  readonly #options: ProcessFeedOptions;
  readonly #states = new Map<string, ProcessState>();
  /** When each was first seen; starts after a crash do not begin it anew. */
  readonly #sinceMs = new Map<string, number>();

  constructor(options: ProcessFeedOptions) {
    this.#options = options;
  }

  get states(): ReadonlyMap<string, ProcessState> {
    return this.#states;
  }

  /** Keys of processes that have had all the time that an announcement takes. */
  get overdue(): ReadonlySet<string> {
    const beforeMs = this.#options.nowMs() - OVERDUE_MS;
    return new Set([...this.#sinceMs].flatMap(([key, sinceMs]) => (sinceMs < beforeMs ? [key] : [])));
  }

  /** When the next becomes overdue that was not at `seenMs`; `Infinity`: none will. */
  nextOverdueAtMs(seenMs: number): number {
    const beforeMs = seenMs - OVERDUE_MS;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const sinceMs of this.#sinceMs.values()) if (sinceMs >= beforeMs && sinceMs < nextMs) nextMs = sinceMs;
    return nextMs + OVERDUE_MS;
  }

  /** Resolves when those are known that run already. */
  async start(): Promise<void> {
    const { launcher, changed, output } = this.#options;
    if (!launcher) return;
    launcher.onChange((state) => {
      this.#take(state);
      changed(state, HAS_ENDED.has(state.status) ? asRole(state.role) : undefined);
    });
    launcher.onOutput(output);
    for (const state of await launcher.list()) this.#take(state);
  }

  #take(state: ProcessState): void {
    this.#states.set(state.key, state);
    if (state.status === 'stopped') this.#sinceMs.delete(state.key);
    else if (!this.#sinceMs.has(state.key)) this.#sinceMs.set(state.key, this.#options.nowMs());
  }
}
