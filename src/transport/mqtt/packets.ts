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
  if (topic === '' || isTooLong(topic) || isUnsendable(topic))
    throw new RefusedError(`'${sendable(topic.slice(0, 60))}' is no topic`);
}

/** @throws {RefusedError} for what this broker, or any, would cut the connection at. */
export function checkPublication(publication: Publication, protocol: Protocol, maxPacketBytes: number): void {
  const { topic, payload } = publication;
  const headers = protocol === 5 ? publication.headers : undefined;
  checkTopic(topic);
  // As many as there can be at most: they are counted only where that would be too many.
  let bound = payload.length + 3 * topic.length + 64;
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (isUnsendable(name) || isUnsendable(value))
      throw new RefusedError(`header '${sendable(name).slice(0, 60)}' has control characters`);
    if (isTooLong(name) || isTooLong(value)) {
      const longest = Math.max(byteLength(name), byteLength(value));
      throw new RefusedError(`header '${name.slice(0, 60)}' has ${longest} bytes, at most ${MAX_TEXT_BYTES}`);
    }
    bound += 5 + 3 * (name.length + value.length);
  }
  const most = Math.min(maxPacketBytes, MAX_PAYLOAD_BYTES);
  if (bound <= most) return;
  const bytes = bytesOf(topic, payload, headers);
  if (bytes > most) throw new RefusedError(`a message of ${bytes} bytes for '${topic}', the broker takes ${most}`);
}

function bytesOf(topic: string, payload: Buffer, headers: Publication['headers'] = {}): number {
  const texts = Object.entries(headers).map(([name, value]) => 5 + byteLength(name) + byteLength(value));
  return texts.reduce((sum, bytes) => sum + bytes, payload.length + byteLength(topic) + 64);
}

/** A character has three bytes at most. */
const isTooLong = (text: string): boolean => text.length * 3 > MAX_TEXT_BYTES && byteLength(text) > MAX_TEXT_BYTES;
const byteLength = (text: string): number => Buffer.byteLength(text);
