import { recordId, type StoredRecord } from '../store/store.js';

const ID_KEY = '{"id":"';
const BODY_KEY = '","body":';
/** `{"id":"`, the longest id, `","body":`, `}` and `,`. */
const AROUND_BYTES = 60;

/**
 * A JSON list of records as clients get them. Bodies that came through this door are JSON and go as they are: nothing is
 * parsed. Those with headers came through another: what is no object goes as `{"base64": ...}`.
 */
export function encodeRecords(records: readonly StoredRecord[]): Buffer {
  const bodies = records.map((record) => (record.headers.length > 0 ? checkedBody(record.body) : record.body));
  const bytes = Buffer.allocUnsafe(bodies.reduce((sum, body) => sum + body.length + AROUND_BYTES, 2));
  let at = bytes.write('[');
  for (const [index, { timestampMs, sequence }] of records.entries()) {
    const body = bodies[index] ?? Buffer.alloc(0);
    at += bytes.write(`${index > 0 ? ',' : ''}${ID_KEY}${recordId(timestampMs, sequence)}${BODY_KEY}`, at, 'latin1');
    at += body.copy(bytes, at);
    bytes[at] = 0x7d;
    at += 1;
  }
  at += bytes.write(']', at);
  return bytes.subarray(0, at);
}

function checkedBody(body: Buffer): Buffer {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null) return body;
  } catch {
    // some other transport's bytes
  }
  return Buffer.from(JSON.stringify({ base64: body.toString('base64') }));
}
