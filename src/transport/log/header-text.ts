import { WireError } from '../../log/wire/index.js';
import { isRecord } from '../../support/index.js';
import { checkHeaders, HEADER, type Stamps, stamped, timeOf } from '../index.js';

type Headers = Readonly<Record<string, string>>;

/** Headers to send, as the text of a JSON object. An id that is made here tells the time of creation, so that no header needs to. */
export function headerText(headers: Headers | undefined, stamps: Stamps): string {
  if (headers && (HEADER.messageId in headers || HEADER.createdAt in headers)) return JSON.stringify(stamped(headers));
  checkHeaders(headers);
  const id = `{"${HEADER.messageId}":"${stamps.messageId()}"`;
  const rest = headers ? JSON.stringify(headers) : '{}';
  return rest === '{}' ? `${id}}` : `${id},${rest.slice(1)}`;
}

/** With the time of creation, where the id tells it. */
export function withCreatedAt(headers: Headers): Headers {
  return filled({ ...headers });
}

/** @throws {WireError} for what is no JSON object of texts */
export function checkHeaderText(bytes: Buffer): void {
  parse(bytes);
}

/** As `withCreatedAt`, of the text as bytes; nothing at all are no headers. @throws {WireError} for what is no JSON object of texts */
export function readHeaderText(bytes: Buffer): Headers {
  return bytes.length === 0 ? {} : filled(parse(bytes));
}

function filled(headers: Record<string, string>): Headers {
  const id = headers[HEADER.messageId];
  const createdMs = id === undefined || headers[HEADER.createdAt] !== undefined ? undefined : timeOf(id);
  if (createdMs !== undefined) headers[HEADER.createdAt] = String(createdMs);
  return headers;
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
