import type { Engine, EngineSession } from '../../engine/index.js';

export interface KeptTableOptions<V> {
  readonly engine: Engine;
  /** By which they are read. */
  readonly session: EngineSession;
  /** Retained notices `<name>/<number>` hold them. */
  readonly name: string;
  /** Keys are spread over so many notices, since one is written as a whole. */
  readonly shards: number;
  /** Undefined for what is none: it is left out. */
  read(value: unknown): V | undefined;
}

interface Writing {
  readonly current: Promise<void>;
  next?: Promise<void>;
}

/** A table that outlives the node: kept in memory, and as retained notices. What is put is there at once. */
export class KeptTable<V> {
  readonly #options: KeptTableOptions<V>;
  readonly #shards: readonly Map<string, V>[];
  readonly #writing = new Map<number, Writing>();
  #size = 0;

  constructor(options: KeptTableOptions<V>) {
    this.#options = options;
    this.#shards = Array.from({ length: options.shards }, (_, shard) => new Map(this.#load(shard)));
    for (const shard of this.#shards) this.#size += shard.size;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    return this.#shards[this.#shardOf(key)]?.get(key);
  }

  *entries(): Generator<readonly [string, V]> {
    for (const shard of this.#shards) yield* shard;
  }

  /** Resolves when it is stored. */
  async put(key: string, value: V): Promise<void> {
    const at = this.#shardOf(key);
    const shard = this.#shards[at];
    if (!shard?.has(key)) this.#size += 1;
    shard?.set(key, value);
    await this.#write(at);
  }

  /** Resolves when that is stored. Idempotent. */
  async delete(key: string): Promise<void> {
    const at = this.#shardOf(key);
    if (!this.#shards[at]?.delete(key)) return;
    this.#size -= 1;
    await this.#write(at);
  }

  /** Resolves when all that was put until now is stored, or has failed to be. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#writing.values()].map(({ current, next }) => next ?? current));
  }

  /** One at a time: changes that come meanwhile go together into the next. */
  async #write(at: number): Promise<void> {
    const writing = this.#writing.get(at);
    if (!writing) return await this.#begin(at);
    writing.next ??= writing.current.catch(() => undefined).then(() => this.#begin(at));
    await writing.next;
  }

  async #begin(at: number): Promise<void> {
    const current = this.#post(at);
    const writing: Writing = { current };
    this.#writing.set(at, writing);
    try {
      await current;
    } finally {
      if (this.#writing.get(at) === writing && !writing.next) this.#writing.delete(at);
    }
  }

  async #post(at: number): Promise<void> {
    const entries = [...(this.#shards[at] ?? [])];
    const body = Buffer.from(entries.length > 0 ? JSON.stringify(entries) : '');
    await this.#options.engine.notify({ name: this.#nameOf(at), body, retain: true });
  }

  #load(at: number): readonly (readonly [string, V])[] {
    let text = '';
    const stop = this.#options.session.watch(this.#nameOf(at), (body) => {
      text = body.toString();
    });
    stop();
    const entries: unknown = text === '' ? [] : JSON.parse(text);
    if (!Array.isArray(entries)) return [];
    return entries.flatMap((entry: unknown): readonly (readonly [string, V])[] => {
      if (!Array.isArray(entry)) return [];
      const [key, value]: readonly unknown[] = entry;
      const kept = this.#options.read(value);
      return typeof key === 'string' && kept !== undefined ? [[key, kept]] : [];
    });
  }

  #nameOf(at: number): string {
    return `${this.#options.name}/${at}`;
  }

  /** FNV-1a over the characters. */
  #shardOf(key: string): number {
    let hash = 0x811c9dc5;
    for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193) >>> 0;
    return hash % this.#options.shards;
  }
}
