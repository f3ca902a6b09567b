import { WireError } from '../../log/wire/index.js';
import { isRecord, LastText } from '../../support/index.js';
import { HEADER, type Stamps, stamped, timeOf } from '../index.js';
import { type PlainHeaders, visitPlainHeaders } from './plain-headers.js';

type Headers = Readonly<Record<string, string>>;

/** What is written otherwise in JSON, or may be. */
const NOT_PLAIN = /[^ !#-[\]-~]/;

/** Writes headers as the text of a JSON object. */
export class HeaderWriter {
  readonly #stamps: Stamps;
  /** Mostly the same as in the message before. */
  #contentType = '';
  #contentTypeText = '""';

  constructor(stamps: Stamps) {
    this.#stamps = stamps;
  }

  /** An id that is made here tells the time of creation, so that no header needs to. @throws {TypeError} for a value that is no text */
  text(headers: Headers | undefined): string {
    if (headers && (HEADER.messageId in headers || HEADER.createdAt in headers))
      return JSON.stringify(stamped(headers));
    let text = `{"${HEADER.messageId}":"${this.#stamps.messageId()}"`;
    for (const name in headers) {
      const value: unknown = headers[name];
      if (typeof value !== 'string') throw new TypeError(`the header '${name}' is no text`);
      text += `,${quoted(name)}:${name === HEADER.contentType ? this.#quotedType(value) : quoted(value)}`;
    }
    return `${text}}`;
  }

  #quotedType(value: string): string {
    if (value !== this.#contentType) {
      this.#contentType = value;
      this.#contentTypeText = JSON.stringify(value);
    }
    return this.#contentTypeText;
  }
}

/** Reads what a `HeaderWriter`, or any other, has written. */
export class HeaderReader implements PlainHeaders {
  /** Of headers, by the order in which they come. */
  readonly #names: LastText[] = [];
  readonly #contentType = new LastText();
  #bytes: Buffer = Buffer.alloc(0);
  #headers: Record<string, string> = {};
  #count = 0;
  #createdMs = 0;
  #createdText = '';

  /** With the time of creation, where the id tells it; nothing at all are no headers. @throws {WireError} for what is no JSON object of texts */
  read(bytes: Buffer, from: number, to: number): Headers {
    this.#headers = {};
    if (from === to) return this.#headers;
    this.#bytes = bytes;
    this.#count = 0;
    return this.#filled(visitPlainHeaders(bytes, from, to, this) ? this.#headers : parse(bytes.subarray(from, to)));
  }

  header(nameAt: number, nameEnd: number, valueAt: number, valueEnd: number): void {
    const name = this.#name(this.#count).read(this.#bytes, nameAt, nameEnd - nameAt);
    this.#count += 1;
    this.#headers[name] =
      name === HEADER.contentType
        ? this.#contentType.read(this.#bytes, valueAt, valueEnd - valueAt)
        : this.#bytes.toString('latin1', valueAt, valueEnd);
  }

  #name(place: number): LastText {
    const known = this.#names[place];
    if (known) return known;
    const made = new LastText();
    this.#names[place] = made;
    return made;
  }

  /** As `filled`; many messages are of the same millisecond. */
  #filled(headers: Record<string, string>): Headers {
    const createdMs = untoldTime(headers);
    if (createdMs === undefined) return headers;
    if (createdMs !== this.#createdMs) {
      this.#createdMs = createdMs;
      this.#createdText = String(createdMs);
    }
    headers[HEADER.createdAt] = this.#createdText;
    return headers;
  }
}

/** With the time of creation, where the id tells it. */
export function withCreatedAt(headers: Headers): Headers {
  const createdMs = untoldTime(headers);
  return createdMs === undefined ? headers : { ...headers, [HEADER.createdAt]: String(createdMs) };
}

/** @throws {WireError} for what is no JSON object of texts */
export function checkHeaderText(bytes: Buffer): void {
  if (!visitPlainHeaders(bytes, 0, bytes.length)) parse(bytes);
}

/** When the message was made, where only its id tells. */
function untoldTime(headers: Headers): number | undefined {
  const id = headers[HEADER.messageId];
  return id === undefined || headers[HEADER.createdAt] !== undefined ? undefined : timeOf(id);
}

function quoted(text: string): string {
  return NOT_PLAIN.test(text) ? JSON.stringify(text) : `"${text}"`;
}

function parse(bytes: Buffer): Record<string, string> {
  let headers: unknown;
  try {
    headers = JSON.parse(bytes.toString());
  } catch (error) {
    throw new WireError('headers that are no JSON', { cause: error });
  }
  if (!isRecord(headers)) throw new WireError('headers that are no object');
  if (!areTexts(headers)) throw new WireError('headers that are no texts');
  return headers;
}

function areTexts(headers: Record<string, unknown>): headers is Record<string, string> {
  for (const name in headers) if (typeof headers[name] !== 'string') return false;
  return true;
}
