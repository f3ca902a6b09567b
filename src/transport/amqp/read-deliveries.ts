import type { ConsumeMessage } from 'amqplib';
import { LastText } from '../../support/index.js';
import { BASIC, BASIC_DELIVER, FLAG, FRAME, FRAME_BYTES, FRAME_HEAD_BYTES, LONG_STRING } from './frame-layout.js';

/** What is used of amqplib beneath its typed surface. */
interface Inner {
  /** Received and not read yet. */
  rest: Buffer;
  /** Another function as soon as the connection is closing. */
  readonly accept: unknown;
  readonly recvFrame: unknown;
  readonly maxFrameSize: number;
  readonly channels: readonly unknown[];
}

interface InnerChannel {
  readonly consumers: ReadonlyMap<string, unknown>;
  dispatchMessage(fields: { readonly consumerTag: string }, message: ConsumeMessage): unknown;
  closeWithError(id: undefined, text: string, code: number, error: unknown): void;
}

const USUAL = Object.values(FLAG).reduce((all, flag) => all | flag, 0);
const INTERNAL_ERROR = 541;
const TWO_TO_32 = 0x1_0000_0000;

/**
 * amqplib takes a delivery apart in three frames and a dozen steps, with a buffer for each. Here one that has arrived as a
 * whole, in three frames in a row and with properties as we set them, is read at once and handed to amqplib's consumer.
 * All else, and everything where amqplib is not as expected, is read by amqplib.
 */
export function readDeliveries({ connection }: { readonly connection: object }): void {
  if (!isAsExpected(connection)) return;
  const { recvFrame } = connection;
  if (typeof recvFrame !== 'function') return;
  const reader = new DeliveryReader(connection);
  const value = (): unknown => {
    reader.read();
    return Reflect.apply(recvFrame, connection, []);
  };
  Object.defineProperty(connection, 'recvFrame', { value, configurable: true, writable: true });
}

class DeliveryReader {
  readonly #connection: Inner;
  readonly #accept: unknown;
  readonly #consumerTag = new LastText();
  readonly #exchange = new LastText();
  readonly #routingKey = new LastText();
  readonly #contentType = new LastText();
  /** Of headers, in the order in which they come: mostly those of the message before. */
  readonly #names: LastText[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(connection: Inner) {
    this.#connection = connection;
    this.#accept = connection.accept;
  }

  /** All deliveries at the front of what was received. */
  read(): void {
    const connection = this.#connection;
    const bytes = connection.rest;
    let done = 0;
    try {
      while (bytes.length - done > 3 * FRAME_BYTES && connection.accept === this.#accept) {
        const channel = channelOf(connection.channels[short(bytes, done + 1)]);
        if (!channel) break;
        this.#bytes = bytes;
        this.#at = done;
        const message = this.#delivery();
        if (!message || !channel.consumers.has(message.fields.consumerTag)) break;
        done = this.#at;
        hand(channel, message);
      }
    } finally {
      if (done > 0) connection.rest = bytes.subarray(done);
    }
  }

  /** Undefined for what amqplib is to read. */
  #delivery(): ConsumeMessage | undefined {
    const channel = short(this.#bytes, this.#at + 1);
    const methodEnd = this.#frame(FRAME.method, channel);
    if (methodEnd === 0 || long(this.#bytes, this.#at) !== BASIC_DELIVER) return undefined;
    this.#at += 4;
    const consumerTag = this.#shortText(this.#consumerTag);
    const deliveryTag = this.#longLong();
    const redelivered = (this.#byte() & 1) === 1;
    const exchange = this.#shortText(this.#exchange);
    const routingKey = this.#shortText(this.#routingKey);
    this.#at = methodEnd + 1;
    const headerEnd = this.#frame(FRAME.header, channel);
    if (headerEnd === 0 || short(this.#bytes, this.#at) !== BASIC) return undefined;
    this.#at += 4;
    const size = this.#longLong();
    const properties = this.#properties();
    if (!properties) return undefined;
    this.#at = headerEnd + 1;
    let content: Buffer = NOTHING;
    if (size > 0) {
      const bodyEnd = this.#frame(FRAME.body, channel);
      if (bodyEnd - this.#at !== size) return undefined;
      content = this.#bytes.subarray(this.#at, bodyEnd);
      this.#at = bodyEnd + 1;
    }
    return { fields: { consumerTag, deliveryTag, redelivered, exchange, routingKey }, properties, content };
  }

  /** Goes to its payload and gives where that ends; 0 where no such frame is here as a whole. */
  #frame(type: number, channel: number): number {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at + FRAME_BYTES > bytes.length || bytes[at] !== type || short(bytes, at + 1) !== channel) return 0;
    const size = long(bytes, at + 3);
    const end = at + FRAME_HEAD_BYTES + size;
    const { maxFrameSize } = this.#connection;
    if ((maxFrameSize > 0 && size > maxFrameSize) || bytes[end] !== FRAME.end) return 0;
    this.#at = at + FRAME_HEAD_BYTES;
    return end;
  }

  #properties(): ConsumeMessage['properties'] | undefined {
    const flags = short(this.#bytes, this.#at);
    if ((flags & ~USUAL) !== 0) return undefined;
    this.#at += 2;
    const contentType = flags & FLAG.contentType ? this.#shortText(this.#contentType) : undefined;
    const headers = flags & FLAG.headers ? this.#table() : undefined;
    if (flags & FLAG.headers && !headers) return undefined;
    const deliveryMode = flags & FLAG.deliveryMode ? this.#byte() : undefined;
    const priority = flags & FLAG.priority ? this.#byte() : undefined;
    const replyTo = flags & FLAG.replyTo ? this.#text(this.#byte()) : undefined;
    const messageId = flags & FLAG.messageId ? this.#text(this.#byte()) : undefined;
    const timestamp = flags & FLAG.timestamp ? this.#longLong() : undefined;
    return {
      contentType,
      contentEncoding: undefined,
      headers,
      deliveryMode,
      priority,
      correlationId: undefined,
      replyTo,
      expiration: undefined,
      messageId,
      timestamp,
      type: undefined,
      userId: undefined,
      appId: undefined,
      clusterId: undefined,
    };
  }

  /** Undefined for one in which not all is text. */
  #table(): Record<string, string> | undefined {
    const end = this.#at + 4 + long(this.#bytes, this.#at);
    const table: Record<string, string> = {};
    this.#at += 4;
    for (let entry = 0; this.#at < end; entry += 1) {
      const last = this.#names[entry] ?? new LastText();
      this.#names[entry] = last;
      const name = this.#shortText(last);
      if (this.#byte() !== LONG_STRING) return undefined;
      const length = long(this.#bytes, this.#at);
      this.#at += 4;
      table[name] = this.#text(length);
    }
    return table;
  }

  #shortText(last: LastText): string {
    const length = this.#byte();
    const text = last.read(this.#bytes, this.#at, length);
    this.#at += length;
    return text;
  }

  #text(length: number): string {
    const from = this.#at;
    this.#at += length;
    return this.#bytes.toString('utf8', from, this.#at);
  }

  #byte(): number {
    const value = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return value;
  }

  #longLong(): number {
    const at = this.#at;
    this.#at += 8;
    return long(this.#bytes, at) * TWO_TO_32 + long(this.#bytes, at + 4);
  }
}

const NOTHING = Buffer.alloc(0);

function short(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function long(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) * 0x1_00_00_00 + (((bytes[at + 1] ?? 0) << 16) | short(bytes, at + 2));
}

/** As amqplib would: what a consumer throws closes its channel. */
function hand(channel: InnerChannel, message: ConsumeMessage): void {
  try {
    channel.dispatchMessage(message.fields, message);
  } catch (error) {
    channel.closeWithError(undefined, 'Error while processing message', INTERNAL_ERROR, error);
  }
}

/** Undefined for one that is closing, and where it is not as expected. */
function channelOf(entry: unknown): InnerChannel | undefined {
  const channel: unknown = Object(entry).channel;
  return isChannel(channel) && !Object.hasOwn(channel, 'accept') ? channel : undefined;
}

function isChannel(channel: unknown): channel is InnerChannel {
  const { consumers, dispatchMessage, closeWithError } = Object(channel);
  return consumers instanceof Map && typeof dispatchMessage === 'function' && typeof closeWithError === 'function';
}

function isAsExpected(connection: object): connection is Inner {
  const { rest, accept, maxFrameSize, channels } = Object(connection);
  return (
    Buffer.isBuffer(rest) && typeof accept === 'function' && typeof maxFrameSize === 'number' && Array.isArray(channels)
  );
}
