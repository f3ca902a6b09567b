import { RefusedError } from '../index.js';

export type Protocol = 4 | 5;

/** What is published, at QoS 1. */
export interface Publication {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain?: boolean;
  /** Dropped on protocol 4, as is the next. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly expirySeconds?: number;
}

/** What arrived. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly dup: boolean;
  /** True only for what the broker had kept when we subscribed. */
  readonly retain: boolean;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the subscriptions that it came by; empty on protocol 4. */
  readonly subscriptionIds: readonly number[];
  /** 0 at QoS 0. */
  readonly packetId: number;
}

/** Packet types [MQTT-2.1.2]. */
export const PACKET = { connack: 2, publish: 3, puback: 4 } as const;

/** Properties of a PUBLISH [MQTT-3.3.2.3]. */
const PROPERTY = {
  payloadFormat: 1,
  expiry: 2,
  contentType: 3,
  responseTopic: 8,
  correlation: 9,
  subscriptionId: 11,
  topicAlias: 35,
  user: 38,
} as const;

const CONTENT_TYPE = 'content-type';
const MAX_TEXT_BYTES = 65_535;
const MAX_PAYLOAD_BYTES = 200 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** A longer payload is written as it is instead of being copied. */
const MAX_COPIED_BYTES = 16 * 1024;
const MAX_CACHED_TEXTS = 500;
const NO_IDS: readonly number[] = Object.freeze([]);

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
    this.#chunk.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

/** A variable byte integer that begins at `at`, and where it ends; undefined when there is more to come. */
export function readNumber(bytes: Buffer, at: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let place = 0; place < 4; place += 1) {
    const byte = bytes[at + place];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 128 ** place;
    if (byte < 128) return { value, end: at + place + 1 };
  }
  throw new RangeError('malformed packet: a number has more than four bytes');
}

/**
 * Reads a PUBLISH. The payload is a part of `bytes`.
 * @param flags the low four bits of the first byte
 * @param from where the packet's topic begins
 * @param end where the packet ends
 * @throws {RangeError} for what is no PUBLISH
 */
export function readPublish(bytes: Buffer, flags: number, from: number, end: number, protocol: Protocol): Incoming {
  const qos = (flags & 6) === 0 ? 0 : 1;
  let at = from + 2 + bytes.readUInt16BE(from);
  const topic = bytes.toString('utf8', from + 2, at);
  const packetId = qos === 0 ? 0 : bytes.readUInt16BE(at);
  if (qos > 0) at += 2;
  const properties = new Properties();
  if (protocol === 5) at = properties.read(bytes, at);
  if (at > end) throw new RangeError('malformed packet: a PUBLISH ends early');
  return {
    topic,
    payload: bytes.subarray(at, end),
    qos,
    dup: (flags & 8) !== 0,
    retain: (flags & 1) !== 0,
    headers: properties.headers,
    subscriptionIds: properties.subscriptionIds,
    packetId,
  };
}

/** What of a message's properties is of use here. Of a user property that is there more than once, the first counts. */
class Properties {
  readonly headers: Record<string, string> = {};
  subscriptionIds: readonly number[] = NO_IDS;

  /** Returns where they end. @throws {RangeError} */
  read(bytes: Buffer, from: number): number {
    const { value, end: begin } = wholeNumber(bytes, from);
    const end = begin + value;
    let at = begin;
    while (at < end) at = this.#readOne(bytes, at);
    if (at > end) throw new RangeError('malformed packet: a property ends late');
    return end;
  }

  #readOne(bytes: Buffer, from: number): number {
    const at = from + 1;
    switch (bytes[from]) {
      case PROPERTY.user: {
        const valueAt = textEnd(bytes, at);
        const end = textEnd(bytes, valueAt);
        const name = bytes.toString('utf8', at + 2, valueAt);
        if (!Object.hasOwn(this.headers, name)) this.headers[name] = bytes.toString('utf8', valueAt + 2, end);
        return end;
      }
      case PROPERTY.contentType: {
        const end = textEnd(bytes, at);
        this.headers[CONTENT_TYPE] = bytes.toString('utf8', at + 2, end);
        return end;
      }
      case PROPERTY.subscriptionId: {
        const { value, end } = wholeNumber(bytes, at);
        this.subscriptionIds = [...this.subscriptionIds, value];
        return end;
      }
      case PROPERTY.payloadFormat:
        return at + 1;
      case PROPERTY.topicAlias:
        return at + 2;
      case PROPERTY.expiry:
        return at + 4;
      case PROPERTY.responseTopic:
      case PROPERTY.correlation:
        return textEnd(bytes, at);
      default:
        throw new RangeError(`malformed packet: a PUBLISH has no property ${bytes[from]}`);
    }
  }
}

/** @throws {RefusedError} for what this broker, or any, would cut the connection at. */
export function checkPublication(publication: Publication, protocol: Protocol, maxPacketBytes: number): void {
  const { topic, payload } = publication;
  const headers = protocol === 5 ? publication.headers : undefined;
  const topicBytes = byteLength(topic);
  if (topic === '' || topicBytes > MAX_TEXT_BYTES) throw new RefusedError(`'${topic.slice(0, 60)}' is no topic`);
  let bytes = payload.length + topicBytes + 64;
  for (const name in headers) {
    const [nameBytes, valueBytes] = [byteLength(name), byteLength(headers[name] ?? '')];
    const longest = Math.max(nameBytes, valueBytes);
    if (longest > MAX_TEXT_BYTES)
      throw new RefusedError(`header '${name.slice(0, 60)}' has ${longest} bytes, at most ${MAX_TEXT_BYTES}`);
    bytes += 5 + nameBytes + valueBytes;
  }
  const most = Math.min(maxPacketBytes, MAX_PAYLOAD_BYTES);
  if (bytes > most) throw new RefusedError(`a message of ${bytes} bytes for '${topic}', the broker takes ${most}`);
}

const byteLength = (text: string): number => Buffer.byteLength(text);

function numberBytes(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}

function textEnd(bytes: Buffer, at: number): number {
  return at + 2 + bytes.readUInt16BE(at);
}

function wholeNumber(bytes: Buffer, at: number): { readonly value: number; readonly end: number } {
  const number = readNumber(bytes, at);
  if (!number) throw new RangeError('malformed packet: it ends in a number');
  return number;
}
