interface Item<T> {
  readonly value: T;
  readonly message: object;
  readonly json: string;
}

/** What watchers know of a list by now, so that they are told only what is other than that. */
export class Told<T> {
  readonly #message: (value: T) => object;
  #items: ReadonlyMap<string, Item<T>> = new Map();

  constructor(message: (value: T) => object) {
    this.#message = message;
  }

  /** Takes the list as it is now, by keys; gives the messages of what is new or other, and what is no longer there. */
  changes(list: readonly (readonly [string, T])[]): {
    readonly changed: readonly object[];
    readonly gone: readonly T[];
  } {
    const before = this.#items;
    const now = new Map(list.map(([key, value]) => [key, this.#item(value)]));
    this.#items = now;
    return {
      changed: [...now].filter(([key, { json }]) => before.get(key)?.json !== json).map(([, { message }]) => message),
      gone: [...before].filter(([key]) => !now.has(key)).map(([, { value }]) => value),
    };
  }

  all(): readonly object[] {
    return [...this.#items.values()].map(({ message }) => message);
  }

  clear(): void {
    this.#items = new Map();
  }

  #item(value: T): Item<T> {
    const message = this.#message(value);
    return { value, message, json: JSON.stringify(message) };
  }
}
