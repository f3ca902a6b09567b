import { CONTENT_TYPE, PACKET, PROPERTY, type Protocol, type Publication } from './packets.js';

const CHUNK_BYTES = 64 * 1024;
/** A longer payload is written as it is instead of being copied. */
const MAX_COPIED_BYTES = 16 * 1024;
const MAX_CACHED_TEXTS = 500;
const SHORT_BYTES = 40;

/** PUBLISH and PUBACK packets, put together in chunks. */
export class PacketWriter {
  readonly #protocol: Protocol;
  readonly #out: (bytes: Buffer) => void;
  /** Topics, header names and content types as they are written, length first: there are few, each in many messages. */
  readonly #texts = new Map<string, Buffer>();
  #chunk = Buffer.allocUnsafe(0);
  #from = 0;
  #at = 0;

  /** @param out is given what `flush` lets out; the bytes do not change afterwards */
  constructor(protocol: Protocol, out: (bytes: Buffer) => void) {
    this.#protocol = protocol;
    this.#out = out;
  }

  publish({ topic, payload, retain = false, headers, expirySeconds }: Publication, packetId: number): void {
    const properties = this.#protocol === 5 ? this.#propertyBytes(headers, expirySeconds) : 0;
    const topicBytes = this.#text(topic);
    const head = topicBytes.length + 2 + (this.#protocol === 5 ? numberBytes(properties) + properties : 0);
    const isCopied = payload.length <= MAX_COPIED_BYTES;
    this.#reserve(5 + head + (isCopied ? payload.length : 0));
    this.#byte((PACKET.publish << 4) | 2 | (retain ? 1 : 0));
    this.#number(head + payload.length);
    this.#bytes(topicBytes);
    this.#short(packetId);
    if (this.#protocol === 5) {
      this.#number(properties);
      this.#properties(headers, expirySeconds);
    }
    if (isCopied) this.#bytes(payload);
    else {
      this.flush();
      this.#out(payload);
    }
  }

  puback(packetId: number): void {
    this.#reserve(4);
    this.#byte(PACKET.puback << 4);
    this.#byte(2);
    this.#short(packetId);
  }

  flush(): void {
    if (this.#at === this.#from) return;
    const bytes = this.#chunk.subarray(this.#from, this.#at);
    this.#from = this.#at;
    this.#out(bytes);
  }

  #propertyBytes(headers: Publication['headers'], expirySeconds: number | undefined): number {
    let bytes = expirySeconds === undefined ? 0 : 5;
    for (const name in headers) {
      const value = headers[name] ?? '';
      bytes += name === CONTENT_TYPE ? 1 + this.#text(value).length : 3 + this.#text(name).length + byteLength(value);
    }
    return bytes;
  }

  #properties(headers: Publication['headers'], expirySeconds: number | undefined): void {
    for (const name in headers) {
      const value = headers[name] ?? '';
      if (name === CONTENT_TYPE) {
        this.#byte(PROPERTY.contentType);
        this.#bytes(this.#text(value));
      } else {
        this.#byte(PROPERTY.user);
        this.#bytes(this.#text(name));
        const written = this.#chunk.write(value, this.#at + 2);
        this.#short(written);
        this.#at += written;
      }
    }
    if (expirySeconds === undefined) return;
    this.#byte(PROPERTY.expiry);
    this.#at = this.#chunk.writeUInt32BE(expirySeconds, this.#at);
  }

  #text(text: string): Buffer {
    const known = this.#texts.get(text);
    if (known) return known;
    const bytes = Buffer.allocUnsafe(2 + Buffer.byteLength(text));
    bytes.writeUInt16BE(bytes.length - 2);
    bytes.write(text, 2);
    if (this.#texts.size >= MAX_CACHED_TEXTS) this.#texts.clear();
    this.#texts.set(text, bytes);
    return bytes;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#chunk.length) return;
    this.flush();
    this.#chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, bytes));
    this.#from = 0;
    this.#at = 0;
  }

  #byte(value: number): void {
    this.#chunk[this.#at] = value;
    this.#at += 1;
  }

  #short(value: number): void {
    this.#byte(value >> 8);
    this.#byte(value & 0xff);
  }

  /** A variable byte integer [MQTT-1.5.5]. */
  #number(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.#byte((rest & 127) | 128);
      rest >>= 7;
    }
    this.#byte(rest);
  }

  #bytes(bytes: Buffer): void {
    const { length } = bytes;
    // Of few bytes, a loop is quicker than a call into Node.
    if (length > SHORT_BYTES) this.#chunk.set(bytes, this.#at);
    else for (let at = 0; at < length; at += 1) this.#chunk[this.#at + at] = bytes[at] ?? 0;
    this.#at += length;
  }
}

const byteLength = (text: string): number => Buffer.byteLength(text);

function numberBytes(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}
