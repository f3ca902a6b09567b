import { randomUUID } from 'node:crypto';
import type { Message as AmqpMessage, Options } from 'amqplib';
import { type Delivery, decodePayload, encodePayload, HEADER, type Message } from '../index.js';
import type { Letter } from './publisher.js';

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

/** Headers as AMQP properties of a persistent message, with a message id and a time of creation in any case. */
export function toProperties(headers: Readonly<Record<string, string>> = {}, mandatory = false): Options.Publish {
  const properties: Options.Publish = { persistent: true, mandatory };
  if (headers[HEADER.messageId] === undefined) properties.messageId = randomUUID();
  let table: Record<string, string> | undefined;
  let createdAt = headers[HEADER.createdAt];
  if (createdAt === undefined) {
    createdAt = String(Date.now());
    table = { [HEADER.createdAt]: createdAt };
  }
  // For other programs, which look for it there; it knows seconds only.
  const seconds = Math.floor(Number(createdAt) / 1000);
  if (Number.isSafeInteger(seconds) && seconds >= 0) properties.timestamp = seconds;
  for (const name in headers) {
    const value = headers[name] ?? '';
    const property = PROPERTY_OF.get(name);
    if (property !== undefined && Buffer.byteLength(value) <= MAX_PROPERTY_BYTES) properties[property] = value;
    else if (name === HEADER.priority && PRIORITY.test(value) && Number(value) <= MAX_PRIORITY)
      properties.priority = Number(value);
    else {
      table ??= {};
      table[name] = value;
    }
  }
  if (table) properties.headers = table;
  return properties;
}

/** A message as it goes to an exchange; '' is the one that knows queues by `routingKey`. */
export function toLetter(exchange: string, routingKey: string, message: Message, mandatory = false): Letter {
  const { data, headers } = message;
  return { exchange, routingKey, content: encodePayload(data), properties: toProperties(headers, mandatory) };
}

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
  if (typeof timestamp === 'number' && headers[HEADER.createdAt] === undefined)
    headers[HEADER.createdAt] = String(timestamp * 1000);
  if (properties.headers?.[DEATHS] !== undefined) addDeath(headers, properties.headers[DEATHS]);
  return headers;
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
