import type { EngineNotice, Stop } from './engine.js';

type Watcher = (body: Buffer, retained: boolean) => void;

/** Notices: handed to all who watch the name, and kept for later watchers when retained. */
export class NoticeBoard {
  readonly #kept = new Map<string, Buffer>();
  readonly #watchers = new Map<string, Set<Watcher>>();

  post({ name, body, retain }: EngineNotice): void {
    if (retain && body.length === 0) this.#kept.delete(name);
    else if (retain) this.#kept.set(name, body);
    for (const watcher of [...(this.#watchers.get(name) ?? [])]) watcher(body, false);
  }

  watch(name: string, handler: Watcher): Stop {
    const watcher: Watcher = (body, retained) => handler(body, retained);
    const watchers = this.#watchers.get(name) ?? new Set();
    this.#watchers.set(name, watchers.add(watcher));
    const kept = this.#kept.get(name);
    if (kept) watcher(kept, true);
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name);
    };
  }
}
