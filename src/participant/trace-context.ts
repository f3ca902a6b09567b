import { randomUUID } from 'node:crypto';
import { HEADER } from '../transport/index.js';

type Headers = Readonly<Record<string, string>>;

/** What of a trace goes along with a message. */
export interface Carried {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

const VERSION_00 = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Later versions begin with what version 00 has, and may go on. */
const LATER_VERSION = /^(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

/**
 * The trace context among headers, in version 00; undefined where there is none or it is not valid.
 * Source: W3C Trace Context, section 3.2 (a later version is read as far as 00 knows it, and sent on as 00).
 */
export function readTrace(headers: Headers): Carried | undefined {
  const given = headers[HEADER.traceparent];
  if (given === undefined) return undefined;
  const traceparent = VERSION_00.test(given) ? given : LATER_VERSION.test(given) ? asVersion00(given) : undefined;
  return traceparent === undefined ? undefined : { traceparent, tracestate: headers[HEADER.tracestate] };
}

function asVersion00(later: string): string {
  const isSampled = Number.parseInt(later.slice(53, 55), 16) & 1;
  return `00-${later.slice(3, 52)}-0${isSampled}`;
}

/** A trace that begins here and that nobody records. Node keeps a pool of random bytes for UUIDs: they cost little. */
function newTraceparent(): string {
  const trace = randomUUID();
  const parent = randomUUID();
  return `00-${trace.replaceAll('-', '')}-${parent.slice(14, 18)}${parent.slice(24)}-00`;
}

/** What the library puts on the outputs of one delivery, IIP or produced message: all of them are of the same trace. */
export class OutputHeaders {
  readonly #received: Headers;
  readonly #carried: Carried;
  #json: Headers | undefined;
  #bytes: Headers | undefined;

  /** @param span that of the work they come from; otherwise they carry on what was received, or a trace begins */
  constructor(received: Headers, span?: Carried) {
    this.#received = received;
    this.#carried = span ?? readTrace(received) ?? { traceparent: newTraceparent() };
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
      this.#json ??= this.#made(true);
      return this.#json;
    }
    this.#bytes ??= this.#made(false);
    return this.#bytes;
  }

  #made(isJson: boolean): Headers {
    const { traceparent, tracestate } = this.#carried;
    const headers: Record<string, string> = { [HEADER.traceparent]: traceparent };
    if (isJson) headers[HEADER.contentType] = 'application/json';
    if (tracestate !== undefined) headers[HEADER.tracestate] = tracestate;
    return headers;
  }

  #withType(known: Headers, own: Headers): Headers {
    const type = own[HEADER.contentType];
    return type === undefined ? known : { ...known, [HEADER.contentType]: type };
  }
}

function withoutTrace(headers: Headers): Headers {
  const { [HEADER.traceparent]: _parent, [HEADER.tracestate]: _state, ...others } = headers;
  return others;
}
