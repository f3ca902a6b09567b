import type { NodeReport } from '../coordinator/index.js';
import type { Role } from '../names.js';

/** A role whose participants come back within this time was not lost: most are just started again. In ms. */
const GRACE_MS = 3000;

/** Notices roles that were there and are not any more, and stay away. */
export class Losses {
  readonly #tell: (role: Role) => void;
  readonly #graceMs: number;
  /** Roles that are heard. */
  readonly #there = new Set<Role>();
  readonly #missing = new Map<Role, NodeJS.Timeout>();

  /** @param tell called once for each loss, when it has lasted a while */
  constructor(tell: (role: Role) => void, graceMs = GRACE_MS) {
    this.#tell = tell;
    this.#graceMs = graceMs;
  }

  /** Takes in how all nodes stand. O(nodes). */
  update(nodes: readonly NodeReport[]): void {
    const known = new Set<Role>();
    for (const { role, state } of nodes) {
      known.add(role);
      if (state === 'lost') this.#miss(role);
      else this.#find(role, state === 'live' || state === 'degraded');
    }
    for (const role of [...this.#there, ...this.#missing.keys()]) if (!known.has(role)) this.#find(role, false);
  }

  /** Idempotent. */
  close(): void {
    for (const timer of this.#missing.values()) clearTimeout(timer);
    this.#missing.clear();
  }

  #find(role: Role, isThere: boolean): void {
    clearTimeout(this.#missing.get(role));
    this.#missing.delete(role);
    if (isThere) this.#there.add(role);
    else this.#there.delete(role);
  }

  #miss(role: Role): void {
    if (!this.#there.delete(role)) return;
    const timer = setTimeout(() => {
      this.#missing.delete(role);
      this.#tell(role);
    }, this.#graceMs);
    this.#missing.set(role, timer);
  }
}
