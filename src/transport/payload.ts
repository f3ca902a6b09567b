/** Bytes on the wire for a message's data: a Buffer as it is, anything else as JSON text (`undefined` as `null`). */
export function encodePayload(data: unknown): Buffer {
  if (Buffer.isBuffer(data)) return data;
  if (data instanceof Uint8Array) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.from(JSON.stringify(data) ?? 'null');
}

/** The data of received bytes: parsed where they are JSON, otherwise the bytes untouched. */
export function decodePayload(bytes: Buffer): unknown {
  return decodePart(bytes, 0, bytes.length);
}

/** As `decodePayload`, of a part of bytes. */
export function decodePart(bytes: Buffer, from: number, to: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', from, to)) as unknown;
  } catch {
    return bytes.subarray(from, to);
  }
}
