import { type LogNode, writeHeaders } from '../log/index.js';
import type { EngineNotice, Stop } from './engine.js';

type Watcher = (body: Buffer, retained: boolean) => void;

const KEPT = 'notice/';
const NO_HEADERS = writeHeaders({});

/**
 * Notices: handed to all who watch the name, and kept for later watchers when retained. Some names are topics as well: what
 * is posted there is a record, and what anybody commits there is a notice.
 */
export class NoticeBoard {
  readonly #node: LogNode;
  readonly #topics: ReadonlySet<string>;
  readonly #kept = new Map<string, Buffer>();
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #stops: Stop[];

  constructor(node: LogNode, topics: readonly string[]) {
    this.#node = node;
    this.#topics = new Set(topics);
    for (const [key, value] of node.facts.list(KEPT))
      this.#kept.set(key.slice(KEPT.length), Buffer.from(value, 'base64'));
    this.#stops = topics.map((topic) => node.onCommit(topic, ({ body }) => this.#tell(topic, Buffer.from(body))));
  }

  async post({ name, body, retain }: EngineNotice): Promise<void> {
    if (this.#topics.has(name) && body.length > 0)
      await this.#node.commit([{ topic: name, body, headers: NO_HEADERS }]);
    else this.#tell(name, body);
    if (!retain) return;
    const key = KEPT + name;
    if (body.length > 0) {
      this.#kept.set(name, body);
      await this.#node.facts.write([{ key, value: body.toString('base64') }]);
    } else if (this.#kept.delete(name)) await this.#node.facts.write([], [key]);
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

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #tell(name: string, body: Buffer): void {
    for (const watcher of [...(this.#watchers.get(name) ?? [])]) watcher(body, false);
  }
}
