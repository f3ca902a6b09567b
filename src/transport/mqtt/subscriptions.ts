import type { Subscription } from '../index.js';
import type { Incoming, Session } from './session.js';
import { isPattern, matches } from './topics.js';

type Listener = (message: Incoming) => void;

interface Watch {
  readonly listener: Listener;
  readonly qos: 0 | 1;
  /** Another watch of the same filter makes the broker repeat what it keeps: not to those who have had it. */
  wantsKept: boolean;
}

/** Plain subscriptions on a clean session: what notices, taps and the routing board look on with. */
export class Subscriptions {
  readonly #watches = new Map<string, Set<Watch>>();
  /** Those of the filters that have wildcards. */
  readonly #patterns = new Set<string>();
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #session: Session | undefined;
  #closed: Error | undefined;

  /**
   * Resolves when the broker has taken it; without a session that is when the next one is attached.
   * @throws {Error} when the broker refuses the filter
   */
  async add(filter: string, qos: 0 | 1, listener: Listener): Promise<Subscription> {
    if (this.#closed) throw this.#closed;
    const watch: Watch = { listener, qos, wantsKept: true };
    const others = this.#watches.get(filter) ?? new Set();
    for (const other of others) other.wantsKept = false;
    this.#watches.set(filter, others.add(watch));
    if (isPattern(filter)) this.#patterns.add(filter);
    const session = this.#session;
    try {
      if (session) await session.subscribe(filter, { qos: this.#qos(filter) });
      else await this.#nextSession();
    } catch (error) {
      if (this.#closed || session?.isOpen) {
        await this.#remove(filter, watch);
        throw error;
      }
      await this.#nextSession();
    }
    return { cancel: () => this.#remove(filter, watch) };
  }

  /** Subscribes a new session to all that is watched. */
  async attach(session: Session): Promise<void> {
    this.#session = session;
    const earlier = this.#waiting;
    this.#waiting = [];
    for (const watches of this.#watches.values()) for (const watch of watches) watch.wantsKept = true;
    try {
      await Promise.all(
        [...this.#watches.keys()].map((filter) => session.subscribe(filter, { qos: this.#qos(filter) })),
      );
    } catch (error) {
      this.#session = undefined;
      this.#waiting.push(...earlier);
      throw error;
    }
    for (const { resolve } of earlier) resolve();
  }

  detach(): void {
    this.#session = undefined;
  }

  close(error: Error): void {
    this.#closed = error;
    this.#session = undefined;
    this.#watches.clear();
    this.#patterns.clear();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** Calls all who watch; throws then what the last one threw that did. O(1) but for filters with wildcards. */
  dispatch(message: Incoming): void {
    const concerned = [...(this.#watches.get(message.topic) ?? [])];
    for (const filter of this.#patterns) {
      if (matches(filter, message.topic)) concerned.push(...(this.#watches.get(filter) ?? []));
    }
    let failure: { readonly error: unknown } | undefined;
    for (const watch of concerned) {
      if (message.retain && !watch.wantsKept) continue;
      try {
        watch.listener(message);
      } catch (error) {
        failure = { error };
      }
    }
    if (failure) throw failure.error;
  }

  #nextSession(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #qos(filter: string): 0 | 1 {
    return [...(this.#watches.get(filter) ?? [])].some(({ qos }) => qos === 1) ? 1 : 0;
  }

  async #remove(filter: string, watch: Watch): Promise<void> {
    const watches = this.#watches.get(filter);
    if (!watches?.delete(watch) || watches.size > 0) return;
    this.#watches.delete(filter);
    this.#patterns.delete(filter);
    // A session that ends meanwhile takes its subscriptions with it.
    await this.#session?.unsubscribe(filter).catch(() => undefined);
  }
}
