/** What the door sends, encoded; MQTT 3.1.1, chapter 3. */
export const PINGRESP = Buffer.from([0xd0, 0]);

export type ConnectCode = keyof typeof CONNECT_CODES;
const CONNECT_CODES = { accepted: 0, protocol: 1, 'client-id': 2, unavailable: 3, password: 4, forbidden: 5 } as const;

export function connack(code: ConnectCode, sessionPresent: boolean): Buffer {
  return Buffer.from([0x20, 2, sessionPresent ? 1 : 0, CONNECT_CODES[code]]);
}

/** So that a client of MQTT 5 understands that it has to speak an older one [MQTT 5: 3.2.2.2, reason 0x84]. */
export const CONNACK_FOR_5 = Buffer.from([0x20, 3, 0, 0x84, 0]);

export const puback = (id: number): Buffer => withId(0x40, id);
export const pubrec = (id: number): Buffer => withId(0x50, id);
export const pubcomp = (id: number): Buffer => withId(0x70, id);
export const unsuback = (id: number): Buffer => withId(0xb0, id);

/** @param codes of each wish the QoS, or 0x80: refused */
export function suback(id: number, codes: readonly number[]): Buffer {
  return Buffer.concat([head(0x90, 2 + codes.length), Buffer.from([id >> 8, id & 255, ...codes])]);
}

export interface OutgoingPublish {
  readonly topic: string;
  readonly payload: Buffer;
  /** 0: at QoS 0, otherwise at QoS 1. */
  readonly id: number;
  readonly dup?: boolean;
  readonly retain?: boolean;
}

const SMALL_BYTES = 16 * 1024;

/** One buffer, or, of a large payload, the payload as it is behind another one. */
export function publish({ topic, payload, id, dup = false, retain = false }: OutgoingPublish): readonly Buffer[] {
  const topicBytes = Buffer.byteLength(topic);
  const fieldBytes = 2 + topicBytes + (id === 0 ? 0 : 2);
  const flags = (dup ? 8 : 0) | (id === 0 ? 0 : 2) | (retain ? 1 : 0);
  const isSmall = payload.length <= SMALL_BYTES;
  const length = fieldBytes + payload.length;
  const headBytes = 1 + sizeOfLength(length);
  const packet = Buffer.allocUnsafe(headBytes + fieldBytes + (isSmall ? payload.length : 0));
  writeHead(packet, 0x30 | flags, length);
  packet.writeUInt16BE(topicBytes, headBytes);
  packet.write(topic, headBytes + 2);
  if (id !== 0) packet.writeUInt16BE(id, headBytes + 2 + topicBytes);
  if (!isSmall) return [packet, payload];
  payload.copy(packet, headBytes + fieldBytes);
  return [packet];
}

function withId(type: number, id: number): Buffer {
  return Buffer.from([type, 2, id >> 8, id & 255]);
}

function head(first: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + sizeOfLength(length));
  writeHead(bytes, first, length);
  return bytes;
}

function sizeOfLength(length: number): number {
  if (length < 128) return 1;
  if (length < 16_384) return 2;
  return length < 2_097_152 ? 3 : 4;
}

function writeHead(target: Buffer, first: number, length: number): void {
  target[0] = first;
  let rest = length;
  let at = 1;
  do {
    const more = rest > 127 ? 128 : 0;
    target[at] = (rest & 127) | more;
    rest >>= 7;
    at += 1;
  } while (rest > 0);
}
