import { GraphSyntaxError } from './errors.js';
import { LineIndex } from './positions.js';

/** What a statement is made of, as far as finding its end and checking its shape need. Offsets are into the whole text. */
export type FbpToken =
  | { readonly kind: 'arrow'; readonly start: number }
  | { readonly kind: 'word'; readonly start: number; readonly text: string; readonly declares: boolean }
  | { readonly kind: 'anonymous'; readonly start: number; readonly text: string }
  | { readonly kind: 'iip'; readonly start: number; readonly json: string | undefined };

export interface FbpSpan {
  readonly start: number;
  readonly end: number;
}

export interface FbpSlice extends FbpSpan {
  readonly tokens: readonly FbpToken[];
}

/**
 * What stands between two line ends: statements, then perhaps a comment. It covers several lines where an IIP does. Every
 * character of the text belongs to one row, line ends included (`end` to `next`).
 */
export interface FbpRow extends FbpSpan {
  readonly next: number;
  readonly statements: readonly FbpSlice[];
  readonly comment?: FbpSpan;
}

const BLANKS = / */y;
const LINE_END = /\r\n|[\n\r\u2028\u2029]/y;
const COMMENT = /#[^\n\r\u2028\u2029]*/y;
const ARROW = /->/y;
const WORD = /([A-Za-z_](?:[\w.]|-(?!>))*)(?:\[\d+\])?(\([^()\n\r\u2028\u2029]*\))?/y;
const ANONYMOUS = /\([^()\n\r\u2028\u2029]*\)/y;
/* Strings unrolled at the backslash, so that one never closed is found out in linear time. */
const QUOTED = /'[^'\\]*(?:\\(?:'|(?!'))[^'\\]*)*'/y;
const STRING = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const CONTINUED = /[ \t\n\r]*->/y;
const JSON_MARK = /["[\]{}]/g;

/** Cuts a text into rows and statements without judging the statements themselves. Linear in the length of the text. */
export function scanRows(text: string, path: string): FbpRow[] {
  return new RowScanner(text, path).rows();
}

class RowScanner {
  readonly #text: string;
  readonly #path: string;
  #at = 0;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  rows(): FbpRow[] {
    const rows: FbpRow[] = [];
    while (this.#at < this.#text.length) rows.push(this.#row());
    return rows;
  }

  #row(): FbpRow {
    const start = this.#at;
    const statements: FbpSlice[] = [];
    let comment: FbpSpan | undefined;
    for (;;) {
      this.#take(BLANKS);
      const from = this.#at;
      if (this.#atLineEnd()) break;
      if (this.#take(COMMENT) !== undefined) {
        comment = { start: from, end: this.#at };
        break;
      }
      statements.push(this.#statement());
      this.#take(BLANKS);
      if (this.#text[this.#at] === ',') this.#at += 1;
    }
    const end = this.#at;
    this.#take(LINE_END);
    return { start, end, next: this.#at, statements, ...(comment && { comment }) };
  }

  #statement(): FbpSlice {
    const start = this.#at;
    const tokens: FbpToken[] = [];
    let end = start;
    while (!this.#atLineEnd() || this.#continues(tokens)) {
      const at = this.#text[this.#at];
      if (at === ',' || at === '#') break;
      const token = this.#token(tokens);
      if (token) tokens.push(token);
      end = this.#at;
      this.#take(BLANKS);
    }
    if (end === start) this.#fail(start, 'no statement stands before this comma');
    return { start, end, tokens };
  }

  #token(before: readonly FbpToken[]): FbpToken | undefined {
    const start = this.#at;
    if (this.#take(ARROW) !== undefined) return { kind: 'arrow', start };
    const data = this.#iip(before);
    if (data) return data;
    if (this.#take(ANONYMOUS) !== undefined)
      return { kind: 'anonymous', start, text: this.#text.slice(start, this.#at) };
    WORD.lastIndex = start;
    const word = WORD.exec(this.#text);
    if (!word) {
      this.#at += 1; // the grammar says what is wrong with it
      return undefined;
    }
    this.#at = WORD.lastIndex;
    return { kind: 'word', start, text: word[1] ?? '', declares: word[2] !== undefined };
  }

  /** Data stands only at the start of a statement or after an arrow; elsewhere `[` opens a port's index. */
  #iip(before: readonly FbpToken[]): FbpToken | undefined {
    const start = this.#at;
    const first = this.#text[start] ?? '';
    const last = before.at(-1);
    if (last && last.kind !== 'arrow') return undefined;
    if (first === "'") {
      if (this.#take(QUOTED) === undefined) this.#fail(start, 'the quote that opens here is never closed');
      return { kind: 'iip', start, json: undefined };
    }
    if (first === '"' && this.#take(STRING) === undefined)
      this.#fail(start, 'the string that opens here is never closed');
    else if (first === '{' || first === '[') this.#skipNested(start);
    else if (first !== '"' && this.#take(NUMBER) === undefined) return undefined;
    return { kind: 'iip', start, json: this.#text.slice(start, this.#at) };
  }

  #skipNested(start: number): void {
    let depth = 0;
    do {
      JSON_MARK.lastIndex = this.#at;
      const mark = JSON_MARK.exec(this.#text);
      if (!mark) this.#fail(start, `the '${this.#text[start]}' that opens here is never closed`);
      this.#at = mark.index;
      if (mark[0] === '"' && this.#take(STRING) === undefined)
        this.#fail(this.#at, 'the string that opens here is never closed');
      if (mark[0] === '"') continue;
      this.#at += 1;
      depth += mark[0] === '{' || mark[0] === '[' ? 1 : -1;
    } while (depth > 0);
  }

  /** After JSON the grammar lets line ends stand before the arrow. */
  #continues(tokens: readonly FbpToken[]): boolean {
    const last = tokens.at(-1);
    if (last?.kind !== 'iip' || last.json === undefined) return false;
    CONTINUED.lastIndex = this.#at;
    const match = CONTINUED.exec(this.#text);
    if (match) this.#at = CONTINUED.lastIndex - '->'.length;
    return match !== null;
  }

  #atLineEnd(): boolean {
    const at = this.#text[this.#at];
    return at === undefined || at === '\n' || at === '\r' || at === '\u2028' || at === '\u2029';
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at = pattern.lastIndex;
    return match?.[0];
  }

  #fail(offset: number, what: string): never {
    throw new GraphSyntaxError(this.#path, new LineIndex(this.#text).position(offset), what);
  }
}
