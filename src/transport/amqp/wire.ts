import type { Message as AmqpMessage, Options } from 'amqplib';
import { type Delivery, decodePayload, encodePayload, HEADER, type Message, type Stamps, timeOf } from '../index.js';

/** Longer ones do not fit the property and travel in the header table. */
const MAX_PROPERTY_BYTES = 255;

/** Headers that AMQP has properties for; on the wire they are properties, where every other library looks for them. */
const PROPERTIES = [
  [HEADER.messageId, 'messageId'],
  [HEADER.contentType, 'contentType'],
  [HEADER.replyTo, 'replyTo'],
] as const;
const PROPERTY_OF = new Map<string, (typeof PROPERTIES)[number][1]>(PROPERTIES);

/** On an announcement passed on from the queue `fbp` that was put there while nobody took any. */
export const KEPT_HEADER = 'msgflo-kept';

/** Where RabbitMQ tells of the dead letters that it makes itself: a list of tables, the latest death first. */
const DEATHS = 'x-death';
const PRIORITY = /^\d{1,3}$/;
const MAX_PRIORITY = 255;
const NO_HEADERS = Object.freeze({});

/** A message as it goes to an exchange. Its id and the time of its creation are made when it is published, where missing. */
export class Letter {
  /** '' is the default exchange, which knows queues by `routingKey`. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly mandatory: boolean;
  #messageId: string | undefined;
  #createdAt: string | undefined;
  #seconds: number | undefined;

  constructor(exchange: string, routingKey: string, { data, headers = NO_HEADERS }: Message, mandatory = false) {
    this.exchange = exchange;
    this.routingKey = routingKey;
    this.content = encodePayload(data);
    this.headers = headers;
    this.mandatory = mandatory;
    this.#messageId = headers[HEADER.messageId];
    this.#createdAt = headers[HEADER.createdAt];
  }

  /** Once; it keeps what it has. */
  stamp(stamps: Stamps): void {
    if (this.#messageId === undefined && this.#createdAt === undefined) {
      this.#messageId = stamps.messageId();
      this.#seconds = stamps.seconds;
    } else if (this.#seconds === undefined) {
      this.#messageId ??= stamps.messageId();
      this.#createdAt ??= String(Date.now());
      this.#seconds = secondsOf(this.#createdAt);
    }
  }

  get messageId(): string {
    return this.#messageId ?? '';
  }

  /** Undefined where the id tells it. */
  get createdAt(): string | undefined {
    return this.#createdAt;
  }

  /** When it was created, for the property `timestamp`, where other programs look; it knows seconds only. */
  get seconds(): number | undefined {
    return this.#seconds;
  }
}

/** The AMQP properties of a stamped letter, which is persistent. */
export function toProperties({ headers, mandatory, messageId, createdAt, seconds }: Letter): Options.Publish {
  const properties: Options.Publish = { persistent: true, mandatory };
  if (headers[HEADER.messageId] === undefined) properties.messageId = messageId;
  let table: Record<string, string> | undefined;
  if (createdAt !== undefined) table = { [HEADER.createdAt]: createdAt };
  if (seconds !== undefined) properties.timestamp = seconds;
  for (const name in headers) {
    const value = headers[name] ?? '';
    const property = PROPERTY_OF.get(name);
    if (property !== undefined && Buffer.byteLength(value) <= MAX_PROPERTY_BYTES) properties[property] = value;
    else if (name === HEADER.priority && isPriority(value)) properties.priority = Number(value);
    else {
      table ??= {};
      table[name] = value;
    }
  }
  if (table) properties.headers = table;
  return properties;
}

function secondsOf(createdAt: string): number | undefined {
  const seconds = Math.floor(Number(createdAt) / 1000);
  return Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : undefined;
}

/** Whether it fits the property `priority`. */
export const isPriority = (value: string): boolean => PRIORITY.test(value) && Number(value) <= MAX_PRIORITY;

/** The headers of a received message. Tables and lists, which other programs may set, are left out: ours are text. */
export function headersOf({ properties }: AmqpMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name in properties.headers) {
    const value: unknown = properties.headers[name];
    const text: unknown = Buffer.isBuffer(value) ? value.toString('utf8') : value;
    if (typeof text === 'string') headers[name] = text;
    else if (typeof text === 'number' || typeof text === 'boolean') headers[name] = String(text);
  }
  for (const [header, property] of PROPERTIES) {
    const value: unknown = properties[property];
    if (typeof value === 'string') headers[header] = value;
  }
  const { timestamp, priority } = properties;
  if (typeof priority === 'number') headers[HEADER.priority] = String(priority);
  if (headers[HEADER.createdAt] === undefined) {
    const createdMs = creationOf(headers[HEADER.messageId], timestamp);
    if (createdMs !== undefined) headers[HEADER.createdAt] = String(createdMs);
  }
  if (properties.headers?.[DEATHS] !== undefined) addDeath(headers, properties.headers[DEATHS]);
  return headers;
}

/** In ms, from an id that tells it, unless it is of another second than the property. */
function creationOf(id: string | undefined, timestamp: unknown): number | undefined {
  const createdMs = id === undefined ? undefined : timeOf(id);
  if (typeof timestamp !== 'number') return createdMs;
  const isSame = createdMs !== undefined && Math.floor(createdMs / 1000) === timestamp;
  return isSame ? createdMs : timestamp * 1000;
}

/** What our own dead letters carry, for one that RabbitMQ made: `expired`, `delivery_limit`, `rejected`, `maxlen`. */
function addDeath(headers: Record<string, string>, deaths: unknown): void {
  if (headers[HEADER.deadReason] !== undefined || !Array.isArray(deaths)) return;
  const { reason, queue, time }: Readonly<Record<string, unknown>> = Object(deaths[0]);
  if (typeof reason !== 'string') return;
  headers[HEADER.deadReason] = reason;
  if (typeof queue === 'string') headers[HEADER.deadQueue] = queue;
  const seconds: unknown = Object(time).value;
  if (typeof seconds === 'number') headers[HEADER.deadAt] = String(seconds * 1000);
}

export function toDelivery(message: AmqpMessage): Delivery {
  return {
    data: decodePayload(message.content),
    headers: headersOf(message),
    redelivered: message.fields.redelivered,
  };
}
