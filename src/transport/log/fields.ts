import { WireError } from '../../log/wire/index.js';
import { isRecord } from '../../support/index.js';

/** The head of a frame, read field by field. Every reader throws WireError for what is not there or of another type. */
export class Fields {
  readonly #head: Readonly<Record<string, unknown>>;

  constructor(head: unknown) {
    if (!isRecord(head)) throw new WireError('the head of a frame is no object');
    this.#head = head;
  }

  has(name: string): boolean {
    return this.#head[name] !== undefined;
  }

  text(name: string): string {
    const value = this.#head[name];
    if (typeof value !== 'string') throw this.#wrong(name, 'a text');
    return value;
  }

  /** A whole number, not below zero. */
  count(name: string): number {
    const value = this.#head[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      throw this.#wrong(name, 'a whole number');
    return value;
  }

  /** A number, whole or not, not below zero. */
  amount(name: string): number {
    const value = this.#head[name];
    if (typeof value !== 'number' || !(value >= 0)) throw this.#wrong(name, 'a number');
    return value;
  }

  /** @returns false when absent */
  flag(name: string): boolean {
    const value = this.#head[name] ?? false;
    if (typeof value !== 'boolean') throw this.#wrong(name, 'true or false');
    return value;
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = this.#head[name];
    const found = values.find((known) => known === value);
    if (found === undefined) throw this.#wrong(name, `one of ${values.join(', ')}`);
    return found;
  }

  /** A record of texts. */
  texts(name: string): Readonly<Record<string, string>> {
    const value = this.#head[name];
    if (!isRecord(value)) throw this.#wrong(name, 'an object of texts');
    const texts: Record<string, string> = {};
    for (const key in value) {
      const text = value[key];
      if (typeof text !== 'string') throw this.#wrong(name, 'an object of texts');
      texts[key] = text;
    }
    return texts;
  }

  inner(name: string): Fields {
    return new Fields(this.#head[name]);
  }

  list(name: string): readonly Fields[] {
    return this.#array(name).map((item) => new Fields(item));
  }

  names(name: string): readonly string[] {
    return this.#array(name).map((item) => {
      if (typeof item !== 'string') throw this.#wrong(name, 'a list of texts');
      return item;
    });
  }

  #array(name: string): readonly unknown[] {
    const value = this.#head[name];
    if (!Array.isArray(value)) throw this.#wrong(name, 'a list');
    return value;
  }

  #wrong(name: string, wanted: string): WireError {
    return new WireError(`'${name}' should be ${wanted}`);
  }
}
