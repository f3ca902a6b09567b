import { randomFillSync } from 'node:crypto';
import { HEADER, isTraceparent } from '../transport/index.js';

type Headers = Readonly<Record<string, string>>;

/** What of a trace goes along with a message. */
export interface Carried {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

const JSON_TYPE = 'application/json';
/** Later versions begin with what version 00 has, and may go on. */
const LATER_VERSION = /^(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

/**
 * The traceparent among headers, in version 00; undefined where there is none or it is not valid.
 * Source: W3C Trace Context, section 3.2 (a later version is read as far as 00 knows it, and sent on as 00).
 */
export function readTraceparent(headers: Headers): string | undefined {
  const given = headers[HEADER.traceparent];
  if (given === undefined || isTraceparent(given)) return given;
  return LATER_VERSION.test(given) ? asVersion00(given) : undefined;
}

function asVersion00(later: string): string {
  const isSampled = Number.parseInt(later.slice(53, 55), 16) & 1;
  return `00-${later.slice(3, 52)}-0${isSampled}`;
}

const ID_BYTES = 24;
const POOL_BYTES = 256 * ID_BYTES;
const DIGITS = Buffer.from('0123456789abcdef');

/** Begins traces that nobody records. Random bytes are fetched for many at a time. */
export class TraceIds {
  readonly #pool = Buffer.allocUnsafe(POOL_BYTES);
  readonly #text = Buffer.from(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`);
  #used = POOL_BYTES;

  /** A new traceparent. One flat string: what is put together of pieces costs more than it is worth, when it is collected. */
  begin(): string {
    if (this.#used === POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    let at = 3;
    for (let byte = 0; byte < ID_BYTES; byte += 1) {
      const value = this.#pool[this.#used + byte] ?? 0;
      if (byte === 16) at += 1;
      this.#text[at] = DIGITS[value >> 4] ?? 0;
      this.#text[at + 1] = DIGITS[value & 15] ?? 0;
      at += 2;
    }
    this.#used += ID_BYTES;
    return this.#text.toString('latin1');
  }
}

/** What the library puts on the outputs of one delivery, IIP or produced message: all of them are of the same trace. */
export class OutputHeaders {
  readonly #received: Headers;
  readonly #traceparent: string;
  readonly #tracestate: string | undefined;
  #json: Headers | undefined;
  #bytes: Headers | undefined;

  /** @param span that of the work they come from; otherwise they carry on what was received, or a trace begins */
  constructor(received: Headers, ids: TraceIds, span?: Carried) {
    const traceparent = span ? span.traceparent : readTraceparent(received);
    this.#received = received;
    this.#traceparent = traceparent ?? ids.begin();
    this.#tracestate = span ? span.tracestate : traceparent && received[HEADER.tracestate];
  }

  /** Those of one output, with the author's own, which win. */
  of(isJson: boolean, own?: Headers): Headers {
    const known = this.#known(isJson);
    if (!own) return known;
    const given = own[HEADER.traceparent];
    if (given === undefined) return { ...known, ...own };
    // Who passes on all headers of the message did not choose this one: then it is ours, span and all.
    if (given === this.#received[HEADER.traceparent]) return { ...withoutTrace(own), ...this.#withType(known, own) };
    return { ...withoutTrace(known), ...own };
  }

  #known(isJson: boolean): Headers {
    if (isJson) {
      this.#json ??= this.#tracestate === undefined ? jsonHeaders(this.#traceparent) : this.#made(true);
      return this.#json;
    }
    this.#bytes ??= this.#made(false);
    return this.#bytes;
  }

  #made(isJson: boolean): Headers {
    const headers: Record<string, string> = { [HEADER.traceparent]: this.#traceparent };
    if (isJson) headers[HEADER.contentType] = JSON_TYPE;
    if (this.#tracestate !== undefined) headers[HEADER.tracestate] = this.#tracestate;
    return headers;
  }

  #withType(known: Headers, own: Headers): Headers {
    const type = own[HEADER.contentType];
    return type === undefined ? known : { ...known, [HEADER.contentType]: type };
  }
}

/** Those of nearly every message. Names written out make an object of a known shape, which is copied in no time. */
function jsonHeaders(traceparent: string): Headers {
  return { 'content-type': JSON_TYPE, traceparent };
}

function withoutTrace(headers: Headers): Headers {
  const { [HEADER.traceparent]: _parent, [HEADER.tracestate]: _state, ...others } = headers;
  return others;
}
