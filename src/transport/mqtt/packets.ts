import { isUnsendable, RefusedError, sendable } from '../index.js';

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
export const PROPERTY = {
  payloadFormat: 1,
  expiry: 2,
  contentType: 3,
  responseTopic: 8,
  correlation: 9,
  subscriptionId: 11,
  topicAlias: 35,
  user: 38,
} as const;

/** The header that is a property of its own. */
export const CONTENT_TYPE = 'content-type';
const MAX_TEXT_BYTES = 65_535;
const MAX_PAYLOAD_BYTES = 200 * 1024 * 1024;

/** @throws {RefusedError} for what is no topic, and no filter of topics */
export function checkTopic(topic: string): void {
  if (topic === '' || byteLength(topic) > MAX_TEXT_BYTES || isUnsendable(topic))
    throw new RefusedError(`'${sendable(topic.slice(0, 60))}' is no topic`);
}

/** @throws {RefusedError} for what this broker, or any, would cut the connection at. */
export function checkPublication(publication: Publication, protocol: Protocol, maxPacketBytes: number): void {
  const { topic, payload } = publication;
  const headers = protocol === 5 ? publication.headers : undefined;
  const topicBytes = byteLength(topic);
  checkTopic(topic);
  let bytes = payload.length + topicBytes + 64;
  for (const name in headers) {
    if (isUnsendable(name) || isUnsendable(headers[name] ?? ''))
      throw new RefusedError(`header '${sendable(name).slice(0, 60)}' has control characters`);
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
