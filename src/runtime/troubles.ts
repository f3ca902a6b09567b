import type { Role } from '../names.js';

/** Troubles of one kind and role within this time are told together, in ms. */
const TOGETHER_MS = 1000;

interface Burst {
  readonly timer: NodeJS.Timeout;
  more: number;
  last: string;
}

export interface Trouble {
  /** Absent for what belongs to no node. */
  readonly role?: Role;
  /** Only troubles of one kind are told together. */
  readonly about: 'process' | 'dead letter' | 'lost' | 'failure';
  readonly message: string;
}

/**
 * Passes troubles on: the first at once, and those of its kind and role that come within a second of it as one, with
 * their number. A program that fails on every message must not drown who looks on.
 */
export class Troubles {
  readonly #tell: (trouble: Trouble) => void;
  readonly #bursts = new Map<string, Burst>();

  constructor(tell: (trouble: Trouble) => void) {
    this.#tell = tell;
  }

  add(trouble: Trouble): void {
    const key = JSON.stringify([trouble.about, trouble.role ?? null]);
    const burst = this.#bursts.get(key);
    if (burst) {
      burst.more += 1;
      burst.last = trouble.message;
      return;
    }
    this.#begin(key, trouble);
    this.#tell(trouble);
  }

  /** Nothing is told afterwards. Idempotent. */
  close(): void {
    for (const { timer } of this.#bursts.values()) clearTimeout(timer);
    this.#bursts.clear();
  }

  #begin(key: string, trouble: Trouble): void {
    const timer = setTimeout(() => this.#end(key, trouble), TOGETHER_MS);
    this.#bursts.set(key, { timer, more: 0, last: trouble.message });
  }

  #end(key: string, trouble: Trouble): void {
    const burst = this.#bursts.get(key);
    this.#bursts.delete(key);
    if (!burst || burst.more === 0) return;
    this.#begin(key, trouble);
    const count = burst.more === 1 ? '' : ` (and ${burst.more - 1} more of this kind within a second)`;
    this.#tell({ ...trouble, message: `${burst.last}${count}` });
  }
}
