/** The text is not JSON; `offset` is where it stops being. */
export class JsonScanError extends Error {
  readonly offset: number;
  constructor(offset: number, what: string) {
    super(what);
    this.offset = offset;
  }
}

/** Where the values of a JSON text start, by JSON pointer, and the keys that an object holds a second time. */
export interface JsonPlaces {
  readonly offsets: ReadonlyMap<string, number>;
  readonly duplicates: readonly { readonly pointer: string; readonly key: string; readonly offset: number }[];
}

const BLANKS = /[ \t\n\r]*/y;
/* Unrolled at the backslash, so that a string never closed is found out in linear time. */
const STRING = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const MAX_DEPTH = 200;
/** Deeper values are checked, but their places are not kept: data of IIPs may be large. */
const PLACED_DEPTH = 5;

/**
 * Checks a JSON text and finds its places, which `JSON.parse` does not tell. Linear.
 * @throws {JsonScanError} where the text is wrong or nested more than 200 deep.
 */
export function scanJson(text: string): JsonPlaces {
  return new JsonScanner(text).scan();
}

class JsonScanner {
  readonly #text: string;
  readonly #offsets = new Map<string, number>();
  readonly #duplicates: { pointer: string; key: string; offset: number }[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): JsonPlaces {
    if (this.#text.startsWith('\ufeff')) this.#at = 1;
    this.#value('', 0);
    if (this.#at < this.#text.length) this.#fail('the end of the text');
    return { offsets: this.#offsets, duplicates: this.#duplicates };
  }

  #value(pointer: string, depth: number): void {
    if (depth > MAX_DEPTH) throw new JsonScanError(this.#at, `nested more than ${MAX_DEPTH} deep`);
    this.#take(BLANKS);
    if (depth <= PLACED_DEPTH) this.#offsets.set(pointer, this.#at);
    const first = this.#text[this.#at];
    if (first === '{') this.#object(pointer, depth);
    else if (first === '[') this.#array(pointer, depth);
    else if (first === '"') this.#string();
    else if (!this.#take(SCALAR)) this.#fail('a value');
    this.#take(BLANKS);
  }

  #object(pointer: string, depth: number): void {
    const seen = new Set<string>();
    this.#list('}', () => {
      const offset = this.#at;
      const key = this.#string();
      if (seen.has(key)) this.#duplicates.push({ pointer, key, offset });
      seen.add(key);
      this.#take(BLANKS);
      if (this.#text[this.#at] !== ':') this.#fail("':'");
      this.#at += 1;
      this.#value(`${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1);
      if (depth < PLACED_DEPTH)
        this.#offsets.set(`${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, offset);
    });
  }

  #array(pointer: string, depth: number): void {
    let nth = 0;
    this.#list(']', () => {
      this.#value(`${pointer}/${nth}`, depth + 1);
      nth += 1;
    });
  }

  #list(close: string, item: () => void): void {
    this.#at += 1;
    this.#take(BLANKS);
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#take(BLANKS);
      item();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== close) this.#fail(`',' or '${close}'`);
      this.#at += 1;
      if (next === close) return;
    }
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') this.#fail('a string in double quotes');
    if (!this.#take(STRING)) throw new JsonScanError(start, 'this string is not closed or holds a bad character');
    const value: unknown = JSON.parse(this.#text.slice(start, this.#at));
    return String(value);
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const matched = pattern.test(this.#text);
    if (matched) this.#at = pattern.lastIndex;
    return matched;
  }

  #fail(wanted: string): never {
    const found = this.#text[this.#at];
    const what = found === undefined ? 'the text ends too early' : `unexpected ${JSON.stringify(found)}`;
    throw new JsonScanError(this.#at, `${what}, expected ${wanted}`);
  }
}
