const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const UNDERSCORE = 0x5f;

/** Told of each header, by where its name and its value lie. */
export interface PlainHeaders {
  header(nameAt: number, nameEnd: number, valueAt: number, valueEnd: number): void;
}

/**
 * Goes through the text of a JSON object of texts as nearly every message has it: `{"name":"value",...}` of printable
 * ASCII without escapes and space between. False for any other, which may be right as well, and for `__proto__`: that is
 * for JSON.parse, which takes several times as long.
 */
export function visitPlainHeaders(bytes: Buffer, from: number, to: number, visitor?: PlainHeaders): boolean {
  if (to - from < 2 || bytes[from] !== OPEN || bytes[to - 1] !== CLOSE) return false;
  if (to - from === 2) return true;
  for (let at = from + 1; at < to; ) {
    if (bytes[at] !== QUOTE || bytes[at + 1] === UNDERSCORE) return false;
    const nameEnd = textEnd(bytes, at + 1, to);
    if (nameEnd === 0 || bytes[nameEnd + 1] !== COLON || bytes[nameEnd + 2] !== QUOTE) return false;
    const valueEnd = textEnd(bytes, nameEnd + 3, to);
    if (valueEnd === 0) return false;
    visitor?.header(at + 1, nameEnd, nameEnd + 3, valueEnd);
    if (valueEnd + 2 === to) return true;
    if (bytes[valueEnd + 1] !== COMMA) return false;
    at = valueEnd + 2;
  }
  return false;
}

/** Where the quote is that ends a text; 0 where something comes before that is not plain, or nothing. */
function textEnd(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at;
    if (byte < 0x20 || byte > 0x7e || byte === 0x5c) return 0;
  }
  return 0;
}
