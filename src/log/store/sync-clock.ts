import type { SyncPolicy } from './store.js';

export interface SyncClockParts {
  readonly policy: SyncPolicy;
  /** Syncs the file that is written to just now. */
  readonly datasync: () => Promise<void>;
  /** Log offset where everything ends that is visible now. */
  readonly end: () => number;
}

/** When the log is synced, and how far it is. */
export class SyncClock {
  readonly #parts: SyncClockParts;
  #timer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;
  /** Log offset up to which everything is synced. */
  syncedEnd: number;
  syncs = 0;

  constructor(syncedEnd: number, parts: SyncClockParts) {
    this.syncedEnd = syncedEnd;
    this.#parts = parts;
  }

  /** Whether each group is synced before it is answered. */
  get isAlways(): boolean {
    return this.#parts.policy === 'always';
  }

  /** Of the group that is being written, up to a log offset. */
  async syncGroup(end: number): Promise<void> {
    await this.#parts.datasync();
    this.syncs++;
    this.syncedEnd = end;
  }

  /** Something was answered that is not synced yet. */
  schedule(): void {
    const { policy } = this.#parts;
    if (typeof policy === 'string' || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.sync().catch(() => undefined); // told by the next commit
    }, policy.intervalMs);
  }

  /** Makes safe what is visible now. @throws what the disk says */
  async sync(): Promise<void> {
    await this.idle();
    const end = this.#parts.end();
    if (this.syncedEnd >= end) return;
    const syncing = this.#parts.datasync().then(() => {
      this.syncs++;
      this.syncedEnd = Math.max(this.syncedEnd, end);
    });
    this.#syncing = syncing;
    await syncing;
  }

  /** Resolves when none of these is on its way. */
  async idle(): Promise<void> {
    await this.#syncing?.catch(() => undefined); // its caller is told
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
