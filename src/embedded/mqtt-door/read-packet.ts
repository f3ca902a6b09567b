import { MqttClientError } from './errors.js';
import type { AckPacket, ClientPacket, ConnectPacket, PublishPacket, Wish } from './packets.js';

const TYPES = { connect: 1, publish: 3, puback: 4, pubrec: 5, pubrel: 6, pubcomp: 7 } as const;
const SUBSCRIBE = 8;
const UNSUBSCRIBE = 10;
const PINGREQ = 12;
const DISCONNECT = 14;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The fields of one packet, one after another. @throws {MqttClientError} where there is less than is asked for */
class Fields {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#body.length;
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  number(): number {
    return this.#take(2).readUInt16BE(0);
  }

  /** Packet ids are never 0 [MQTT-2.3.1-1]. */
  id(): number {
    const id = this.number();
    if (id === 0) throw new MqttClientError('a packet id is 0');
    return id;
  }

  bytes(): Buffer {
    return this.#take(this.number());
  }

  /** @throws {MqttClientError} for what is no UTF-8, or holds a NUL [MQTT-1.5.3-1] [MQTT-1.5.3-2] */
  text(): string {
    const bytes = this.bytes();
    if (bytes.includes(0)) throw new MqttClientError('a text holds a NUL');
    try {
      return utf8.decode(bytes);
    } catch {
      throw new MqttClientError('a text is no UTF-8');
    }
  }

  rest(): Buffer {
    return this.#take(this.#body.length - this.#at);
  }

  end(): void {
    if (!this.isAtEnd) throw new MqttClientError('a packet is longer than its fields');
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#body.length) throw new MqttClientError('a packet is shorter than its fields');
    const bytes = this.#body.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

/**
 * @param head the first byte of the packet
 * @param body what follows its length
 * @throws {MqttClientError} for what a client must not send
 */
export function readPacket(head: number, body: Buffer): ClientPacket {
  const type = head >> 4;
  const flags = head & 0x0f;
  const fields = new Fields(body);
  if (type === TYPES.publish) return readPublish(flags, fields);
  // Reserved flags are as they are written there [MQTT-2.2.2-2].
  const wanted = type === TYPES.pubrel || type === SUBSCRIBE || type === UNSUBSCRIBE ? 2 : 0;
  if (flags !== wanted) throw new MqttClientError(`a packet of type ${type} has the flags ${flags}`);
  const packet = readOther(type, fields);
  // Of other protocol levels nothing more is known.
  if (packet.cmd !== 'connect' || packet.level === 4) fields.end();
  return packet;
}

function readOther(type: number, fields: Fields): ClientPacket {
  switch (type) {
    case TYPES.connect:
      return readConnect(fields);
    case TYPES.puback:
      return readAck('puback', fields);
    case TYPES.pubrec:
      return readAck('pubrec', fields);
    case TYPES.pubrel:
      return readAck('pubrel', fields);
    case TYPES.pubcomp:
      return readAck('pubcomp', fields);
    case SUBSCRIBE:
      return { cmd: 'subscribe', id: fields.id(), wishes: some(fields, readWish) };
    case UNSUBSCRIBE:
      return { cmd: 'unsubscribe', id: fields.id(), filters: some(fields, () => fields.text()) };
    case PINGREQ:
      return { cmd: 'pingreq' };
    case DISCONNECT:
      return { cmd: 'disconnect' };
    default:
      throw new MqttClientError(`no client sends packets of type ${type}`);
  }
}

function readPublish(flags: number, fields: Fields): PublishPacket {
  const qos = (flags >> 1) & 3;
  if (qos === 3) throw new MqttClientError('there is no QoS 3');
  const topic = fields.text();
  const id = qos === 0 ? 0 : fields.id();
  return { cmd: 'publish', topic, id, qos, retain: (flags & 1) === 1, payload: fields.rest() };
}

function readAck(cmd: AckPacket['cmd'], fields: Fields): AckPacket {
  return { cmd, id: fields.id() };
}

function readWish(fields: Fields): Wish {
  const filter = fields.text();
  const qos = fields.byte();
  if (qos > 2) throw new MqttClientError('a subscription asks for a QoS that there is not');
  return { filter, qos };
}

/** One at least [MQTT-3.8.3-3] [MQTT-3.10.3-2]. */
function some<T>(fields: Fields, read: (fields: Fields) => T): readonly T[] {
  const items: T[] = [];
  do items.push(read(fields));
  while (!fields.isAtEnd);
  return items;
}

function readConnect(fields: Fields): ConnectPacket {
  const protocol = fields.text();
  if (protocol !== 'MQTT' && protocol !== 'MQIsdp') throw new MqttClientError('this is no MQTT');
  const level = fields.byte();
  if (level !== 4) return { cmd: 'connect', level, clean: true, keepaliveSeconds: 0, clientId: '' };
  const flags = fields.byte();
  const has = (bit: number): boolean => (flags & bit) !== 0;
  const willQos = (flags >> 3) & 3;
  const isMalformed = has(1) || willQos === 3 || (!has(4) && (flags & 0x38) !== 0) || (has(0x40) && !has(0x80));
  if (isMalformed) throw new MqttClientError('the flags of CONNECT contradict each other');
  const keepaliveSeconds = fields.number();
  const clientId = fields.text();
  const will = has(4)
    ? { topic: fields.text(), payload: Buffer.from(fields.bytes()), qos: willQos, retain: has(0x20) }
    : undefined;
  const username = has(0x80) ? fields.text() : undefined;
  const password = has(0x40) ? fields.bytes() : undefined;
  return {
    cmd: 'connect',
    level,
    clean: has(2),
    keepaliveSeconds,
    clientId,
    ...(will && { will }),
    ...(username !== undefined && { username }),
    ...(password && { password }),
  };
}
