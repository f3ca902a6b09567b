import type { LogStore, Put } from '../store/store.js';
import type { LogFacts } from './log-node.js';

/** Of the facts of those who build on the node: nothing of its own begins so. */
const OTHERS = 'app/';

/** Facts of others, under keys of their own. */
export class StoredFacts implements LogFacts {
  readonly #store: LogStore;

  constructor(store: LogStore) {
    this.#store = store;
  }

  get(key: string): string | undefined {
    return this.#store.get(OTHERS + key);
  }

  list(prefix: string): readonly (readonly [key: string, value: string])[] {
    return this.#store.list(OTHERS + prefix).map(([key, value]) => [key.slice(OTHERS.length), value]);
  }

  async write(puts: readonly Put[], deletes: readonly string[] = []): Promise<void> {
    await this.#store.commit({
      puts: puts.map(({ key, value }) => ({ key: OTHERS + key, value })),
      deletes: deletes.map((key) => OTHERS + key),
    });
  }
}
