import { setTimeout as delay } from 'node:timers/promises';
import type { ParticipantId, Role } from '../names.js';

export interface DeathWatchOptions {
  /** Asks all participants of ours to announce themselves at once. */
  readonly callRoll: () => Promise<void>;
  /** Live participants of the role that should have answered a roll-call made at that time, and did not. */
  readonly silentSince: (role: Role, sinceMs: number) => readonly ParticipantId[];
  readonly gone: (id: ParticipantId) => void;
  readonly nowMs: () => number;
  /** Who leaves in good order has said so by this time after the end of its process, in ms. @default 500 */
  readonly leaveMs?: number;
  /** Who does not answer a roll-call within this, in ms, is not there. @default 3000 */
  readonly answerMs?: number;
}

/**
 * Finds out who died with its process. One that was killed does not say that it leaves, nor does one that ends while the
 * broker is away, and not every broker says it in their place: those of the role who do not answer a roll-call are gone.
 */
export class DeathWatch {
  readonly #options: DeathWatchOptions;
  readonly #roles = new Set<Role>();
  readonly #stopping = new AbortController();
  #isAsking = false;

  constructor(options: DeathWatchOptions) {
    this.#options = options;
  }

  /** A process of the role has ended, however it did. */
  ended(role: Role): void {
    this.#roles.add(role);
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.#askAll()
      .catch(() => undefined) // it was stopped
      .finally(() => {
        this.#isAsking = false;
      });
  }

  /** Idempotent. */
  stop(): void {
    this.#stopping.abort();
  }

  async #askAll(): Promise<void> {
    const { leaveMs = 500, answerMs = 3000, callRoll, silentSince, gone, nowMs } = this.#options;
    const { signal } = this.#stopping;
    while (this.#roles.size > 0) {
      await delay(leaveMs, undefined, { signal });
      const roles = [...this.#roles];
      this.#roles.clear();
      const sinceMs = nowMs();
      const silent = (): readonly ParticipantId[] => roles.flatMap((role) => silentSince(role, sinceMs));
      if (silent().length === 0) continue;
      const isAsked = await callRoll().then(
        () => true,
        () => false,
      );
      await delay(answerMs, undefined, { signal });
      if (isAsked) for (const id of silent()) gone(id);
      else for (const role of roles) this.#roles.add(role);
    }
  }
}
