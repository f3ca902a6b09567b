const NONE = Buffer.alloc(0);
/** No header of anybody's: it would have to begin with a control character. */
const SOURCE = '\u0000source';
const START = Buffer.from('{');
const EMPTY = '{}'.length;
const MARK = Buffer.from(`{${JSON.stringify(SOURCE)}:`);

/** Headers of a record as its readers see them. */
export interface ReadHeaders {
  readonly headers: Readonly<Record<string, string>>;
  /** The topic that a copy was subscribed from. */
  readonly source: string | undefined;
}

/** Headers of records are the text of a JSON object of texts, or nothing where a record has none. */
export function writeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(JSON.stringify(headers));
}

/** What is no such text has no headers: it must not keep its record from being read. */
export function readHeaders(bytes: Buffer): ReadHeaders {
  const headers = bytes.length > EMPTY ? parse(bytes) : {};
  const source = headers[SOURCE];
  if (source !== undefined) delete headers[SOURCE];
  return { headers, source };
}

/** As `readHeaders`, with the headers as the text that they are; that costs next to nothing where there is no source. */
export function splitSource(bytes: Buffer): { readonly headers: Buffer; readonly source: string | undefined } {
  const isMarked = bytes.length > MARK.length && bytes.compare(MARK, 0, MARK.length, 0, MARK.length) === 0;
  if (!isMarked) return { headers: bytes, source: undefined };
  const { headers, source } = readHeaders(bytes);
  return { headers: writeHeaders(headers), source };
}

/** The headers of a copy that says where it comes from; the others stay as they are. */
export function withSource(headers: Uint8Array = NONE, source: string): Buffer {
  const mark = Buffer.from(`${JSON.stringify(SOURCE)}:${JSON.stringify(source)}`);
  const rest = headers.length <= EMPTY ? Buffer.from('}') : headers.subarray(1);
  return Buffer.concat(headers.length <= EMPTY ? [START, mark, rest] : [START, mark, Buffer.from(','), rest]);
}

function parse(bytes: Buffer): Record<string, string> {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
