import type { Unsubscribe } from './log-listening.js';
import type { Proc } from './proc.js';
import type { TopicEntry } from './topic-entry.js';

/**
 * Tells listeners what changed: once for many changes of one turn, and after all commits that were answered together, so
 * that a thousand commits wake a consumer once.
 */
export class Wakeups {
  readonly #onError: (error: unknown) => void;
  readonly #work = new Map<string, Set<() => void>>();
  readonly #idle = new Set<() => void>();
  readonly #topics = new Set<TopicEntry>();
  readonly #procs = new Set<Proc>();
  #isScheduled = false;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** A topic has new records. */
  topic(topic: TopicEntry): void {
    if (topic.procs.size === 0 && topic.listeners.size === 0) return;
    this.#topics.add(topic);
    this.#schedule();
  }

  /** A proc has room, or records that came back, or acknowledged some, or is gone. */
  proc(proc: Proc): void {
    if (this.#work.size + this.#idle.size === 0) return;
    this.#procs.add(proc);
    this.#schedule();
  }

  onWork(proc: string, listener: () => void): Unsubscribe {
    const listeners = this.#work.get(proc) ?? new Set();
    this.#work.set(proc, listeners);
    return this.#add(listeners, listener, () => {
      if (this.#work.get(proc)?.size === 0) this.#work.delete(proc);
    });
  }

  /** Told after every change of any proc. */
  onProc(listener: () => void): Unsubscribe {
    return this.#add(this.#idle, listener);
  }

  onRecords(topic: TopicEntry, listener: (lastSequence: number) => void): Unsubscribe {
    return this.#add(topic.listeners, listener);
  }

  /** Each subscription counts by itself, also of one function. */
  #add<T extends unknown[]>(listeners: Set<(...args: T) => void>, listener: (...args: T) => void, gone?: () => void) {
    const own = (...args: T): void => listener(...args);
    listeners.add(own);
    return (): void => {
      if (listeners.delete(own)) gone?.();
    };
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    this.#isScheduled = false;
    for (const topic of this.#topics) {
      for (const proc of topic.procs) this.#procs.add(proc);
      for (const listener of topic.listeners) this.#call(() => listener(topic.last));
    }
    this.#topics.clear();
    const procs = [...this.#procs];
    this.#procs.clear();
    for (const proc of procs) {
      const listeners = this.#work.get(proc.name);
      if (!listeners || !proc.hasWork) continue;
      for (const listener of [...listeners]) this.#call(listener);
    }
    for (const listener of [...this.#idle]) this.#call(listener);
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#onError(error);
    }
  }
}
