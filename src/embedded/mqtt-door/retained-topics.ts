import type { Engine, EngineSession } from '../../engine/index.js';
import { KeptTable } from './kept-table.js';
import { matches } from './topics.js';

const SHARDS = 256;

/**
 * The retained messages of all topics: each a retained notice of its topic's name, and besides a table of these names,
 * since notices are found by name only.
 */
export class RetainedTopics {
  readonly #engine: Engine;
  readonly #session: EngineSession;
  readonly #names: KeptTable<true>;
  /** What is being written: newer than what the engine has. */
  readonly #writing = new Map<string, { readonly body: Buffer; writes: number }>();
  readonly #max: number;

  /** @param max topics */
  constructor(engine: Engine, session: EngineSession, max: number) {
    this.#engine = engine;
    this.#session = session;
    this.#max = max;
    this.#names = new KeptTable({
      engine,
      session,
      name: '$mqtt/retained',
      shards: SHARDS,
      read: (value) => (value === 1 || value === true ? true : undefined),
    });
  }

  /** False when there are too many, and this is a new one. */
  hasRoomFor(topic: string, body: Buffer): boolean {
    return body.length === 0 || this.#names.size < this.#max || this.#names.get(topic) === true;
  }

  /** Keeps the message; an empty one clears. Counts at once; resolves when it is as safe as any message. */
  async set(topic: string, body: Buffer): Promise<void> {
    const writing = { body, writes: (this.#writing.get(topic)?.writes ?? 0) + 1 };
    this.#writing.set(topic, writing);
    const isNew = body.length > 0 && this.#names.get(topic) === undefined;
    try {
      await Promise.all([
        isNew ? this.#names.put(topic, true) : body.length === 0 && this.#names.delete(topic),
        this.#engine.notify({ name: topic, body, retain: true }),
      ]);
    } finally {
      const latest = this.#writing.get(topic);
      if (latest) latest.writes -= 1;
      if (latest?.writes === 0) this.#writing.delete(topic);
    }
  }

  /** The topics that a filter takes and that have a message. */
  matching(filter: string): readonly string[] {
    const topics: string[] = [];
    for (const [topic] of this.#names.entries()) if (matches(filter, topic)) topics.push(topic);
    return topics;
  }

  /** Undefined where there is none. */
  get(topic: string): Buffer | undefined {
    let body = this.#writing.get(topic)?.body;
    if (!body) {
      this.#session.watch(topic, (kept) => {
        body = kept;
      })();
    }
    return body && body.length > 0 ? body : undefined;
  }

  async settled(): Promise<void> {
    await this.#names.settled();
  }
}
