import type { ConfirmChannel } from 'amqplib';
import { HEADER } from '../index.js';
import { BASIC, BASIC_PUBLISH, FLAG, FRAME, FRAME_BYTES, FRAME_HEAD_BYTES, LONG_STRING } from './frame-layout.js';
import { isPriority, type Letter, toProperties } from './wire.js';
import { LARGE_BYTES, type TurnWriter, turnWriterOf } from './write-together.js';

/** @throws {IllegalOperationError} on a channel that is closing, and for what cannot be encoded */
export type Publish = (letter: Letter, confirmed: (error: unknown) => void) => void;

/** What is used of amqplib beneath its typed surface. */
interface Inner {
  readonly ch: number;
  /** Another function as soon as the channel is closing. */
  readonly sendMessage: unknown;
  readonly connection: { readonly frameMax: number; readonly sendMessage: unknown; sentSinceLastCheck: boolean };
  pushConfirmCallback(confirmed: (error: unknown) => void): void;
}

const MANDATORY = 1;
const PERSISTENT = 2;
const TABLE_FLAGS_OFFSET = 12;

const MAX_SHORT_BYTES = 255;
/** So many characters fit a short string whatever they are. */
const MAX_SHORT_CHARS = 85;
/** Room for all that has one size, in the three frames. */
const FIXED_BYTES = 3 * FRAME_BYTES + 64;
const MAX_TEXT_BYTES = 3;
const MAX_CACHED = 500;
/** Below, a loop is quicker than a call into Node. */
const SHORT_LOOP_CHARS = 80;
const SHORT_BYTES = 40;
const UNUSUAL = Number.POSITIVE_INFINITY;

/**
 * How letters are published on a channel. amqplib puts each together in a dozen steps from objects made for it; here the
 * frames of one with text headers and less than 16 KiB are written straight to where what leaves in this turn is
 * collected. Everything else, and everything where amqplib is not as expected, goes through its own `publish`.
 */
export function publishing(channel: ConfirmChannel): Publish {
  const slowly: Publish = (letter, confirmed) => {
    channel.publish(letter.exchange, letter.routingKey, letter.content, toProperties(letter), confirmed);
  };
  const writer = turnWriterOf(channel.connection);
  if (!writer || !isAsExpected(channel)) return slowly;
  const frames = new PublishFrames(channel, writer);
  return (letter, confirmed) => {
    if (!frames.publish(letter, confirmed)) slowly(letter, confirmed);
  };
}

class PublishFrames {
  readonly #channel: Inner;
  readonly #writer: TurnWriter;
  readonly #sendMessage: unknown;
  readonly #sendOfConnection: unknown;
  /** Complete method frames by queue name: to the default exchange and to exchanges, mandatory or not. */
  readonly #methods = [
    new Map<string, Buffer>(),
    new Map<string, Buffer>(),
    new Map<string, Buffer>(),
    new Map<string, Buffer>(),
  ] as const;
  /** Names of headers as they are in a table, with the type of their value. */
  readonly #names = new Map<string, Buffer>();
  #chunk: Buffer = Buffer.allocUnsafe(0);
  #at = 0;

  constructor(channel: Inner, writer: TurnWriter) {
    this.#channel = channel;
    this.#writer = writer;
    this.#sendMessage = channel.sendMessage;
    this.#sendOfConnection = channel.connection.sendMessage;
  }

  /** False for one that amqplib is to publish. */
  publish(letter: Letter, confirmed: (error: unknown) => void): boolean {
    const channel = this.#channel;
    const { connection } = channel;
    if (channel.sendMessage !== this.#sendMessage || connection.sendMessage !== this.#sendOfConnection) return false;
    const { content } = letter;
    if (content.length + FRAME_BYTES > connection.frameMax) return false;
    const method = this.#method(letter);
    if (!method) return false;
    const most = FIXED_BYTES + method.length + bytesOf(letter) + content.length;
    if (most > LARGE_BYTES) return false;
    this.#chunk = this.#writer.reserve(most);
    this.#at = this.#writer.at;
    this.#bytes(method);
    this.#header(letter);
    if (content.length > 0) this.#body(content);
    this.#writer.wrote(this.#at);
    connection.sentSinceLastCheck = true;
    channel.pushConfirmCallback(confirmed);
    return true;
  }

  #method({ exchange, routingKey, mandatory }: Letter): Buffer | undefined {
    if (exchange !== '' && routingKey !== '') return undefined;
    const methods = this.#methods[exchange === '' ? (mandatory ? 0 : 1) : mandatory ? 2 : 3];
    const name = exchange || routingKey;
    const known = methods.get(name);
    if (known) return known;
    if (Buffer.byteLength(name) > MAX_SHORT_BYTES) return undefined;
    const method = methodFrame(this.#channel.ch, exchange, routingKey, mandatory);
    if (methods.size >= MAX_CACHED) methods.clear();
    methods.set(name, method);
    return method;
  }

  #header(letter: Letter): void {
    const { headers, content } = letter;
    const start = this.#at;
    this.#byte(FRAME.header);
    this.#short(this.#channel.ch);
    // Class, weight, and how long the body is. What follows is told by flags, and comes in the order of the flags.
    this.#at += 4;
    this.#short(BASIC);
    this.#short(0);
    this.#long(0);
    this.#long(content.length);
    this.#at += 2;
    let flags: number = FLAG.headers | FLAG.deliveryMode | FLAG.messageId;
    const contentType = headers[HEADER.contentType];
    if (contentType !== undefined) {
      flags |= FLAG.contentType;
      this.#shortText(contentType);
    }
    const priority = this.#table(letter);
    this.#byte(PERSISTENT);
    if (priority !== undefined) {
      flags |= FLAG.priority;
      this.#byte(Number(priority));
    }
    const replyTo = headers[HEADER.replyTo];
    if (replyTo !== undefined) {
      flags |= FLAG.replyTo;
      this.#shortText(replyTo);
    }
    this.#shortText(letter.messageId);
    const { seconds } = letter;
    if (seconds !== undefined) {
      flags |= FLAG.timestamp;
      this.#long(Math.floor(seconds / 0x1_0000_0000));
      this.#long(seconds % 0x1_0000_0000);
    }
    putShort(this.#chunk, start + FRAME_HEAD_BYTES + TABLE_FLAGS_OFFSET, flags);
    putLong(this.#chunk, start + 3, this.#at - start - FRAME_HEAD_BYTES);
    this.#byte(FRAME.end);
  }

  /** What has no property of its own. Gives the priority, which has one. */
  #table({ headers, createdAt }: Letter): string | undefined {
    const start = this.#at;
    let priority: string | undefined;
    this.#at += 4;
    if (createdAt !== undefined && headers[HEADER.createdAt] === undefined) this.#entry(HEADER.createdAt, createdAt);
    for (const name in headers) {
      const value = headers[name] ?? '';
      if (isProperty(name)) continue;
      if (name === HEADER.priority && isPriority(value)) priority = value;
      else this.#entry(name, value);
    }
    putLong(this.#chunk, start, this.#at - start - 4);
    return priority;
  }

  #entry(name: string, value: string): void {
    this.#bytes(this.#names.get(name) ?? this.#nameBytes(name));
    const start = this.#at;
    this.#at += 4;
    this.#text(value);
    putLong(this.#chunk, start, this.#at - start - 4);
  }

  #nameBytes(name: string): Buffer {
    const text = Buffer.from(name);
    const bytes = Buffer.from([text.length, ...text, LONG_STRING]);
    if (this.#names.size >= MAX_CACHED) this.#names.clear();
    this.#names.set(name, bytes);
    return bytes;
  }

  #body(content: Buffer): void {
    this.#byte(FRAME.body);
    this.#short(this.#channel.ch);
    this.#long(content.length);
    this.#bytes(content);
    this.#byte(FRAME.end);
  }

  #shortText(text: string): void {
    const start = this.#at;
    this.#at += 1;
    this.#text(text);
    this.#chunk[start] = this.#at - start - 1;
  }

  #text(text: string): void {
    const { length } = text;
    if (length > SHORT_LOOP_CHARS) {
      this.#at += this.#chunk.write(text, this.#at);
      return;
    }
    const chunk = this.#chunk;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > 127) {
        this.#at += chunk.write(text, this.#at);
        return;
      }
      chunk[this.#at + at] = code;
    }
    this.#at += length;
  }

  #byte(value: number): void {
    this.#chunk[this.#at] = value;
    this.#at += 1;
  }

  #short(value: number): void {
    putShort(this.#chunk, this.#at, value);
    this.#at += 2;
  }

  #long(value: number): void {
    putLong(this.#chunk, this.#at, value);
    this.#at += 4;
  }

  #bytes(bytes: Buffer): void {
    const { length } = bytes;
    // Of few bytes, a loop is quicker than a call into Node.
    if (length > SHORT_BYTES) this.#chunk.set(bytes, this.#at);
    else for (let at = 0; at < length; at += 1) this.#chunk[this.#at + at] = bytes[at] ?? 0;
    this.#at += length;
  }
}

function methodFrame(channel: number, exchange: string, routingKey: string, mandatory: boolean): Buffer {
  const short = (text: string): Buffer => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]);
  const names = Buffer.concat([short(exchange), short(routingKey)]);
  const frame = Buffer.alloc(FRAME_BYTES + 7 + names.length);
  frame[0] = FRAME.method;
  frame.writeUInt16BE(channel, 1);
  frame.writeUInt32BE(frame.length - FRAME_BYTES, 3);
  frame.writeUInt32BE(BASIC_PUBLISH, FRAME_HEAD_BYTES);
  names.copy(frame, FRAME_HEAD_BYTES + 6);
  frame[frame.length - 2] = mandatory ? MANDATORY : 0;
  frame[frame.length - 1] = FRAME.end;
  return frame;
}

/** The most that its headers can take, or UNUSUAL. */
function bytesOf({ headers, messageId, createdAt }: Letter): number {
  if (messageId.length > MAX_SHORT_CHARS) return UNUSUAL;
  let chars = messageId.length + (createdAt?.length ?? 0);
  let entries = 2;
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (name.length > MAX_SHORT_CHARS || (value.length > MAX_SHORT_CHARS && isProperty(name))) return UNUSUAL;
    chars += name.length + value.length;
    entries += 1;
  }
  return chars * MAX_TEXT_BYTES + entries * 6;
}

/** Of those that amqplib has as text. */
function isProperty(name: string): boolean {
  return name === HEADER.messageId || name === HEADER.contentType || name === HEADER.replyTo;
}

function putShort(chunk: Buffer, at: number, value: number): void {
  chunk[at] = value >>> 8;
  chunk[at + 1] = value;
}

function putLong(chunk: Buffer, at: number, value: number): void {
  chunk[at] = value >>> 24;
  chunk[at + 1] = value >>> 16;
  chunk[at + 2] = value >>> 8;
  chunk[at + 3] = value;
}

function isAsExpected(channel: object): channel is Inner {
  const { ch, sendMessage, pushConfirmCallback, connection } = Object(channel);
  const inner = Object(connection);
  return (
    Number.isInteger(ch) &&
    typeof sendMessage === 'function' &&
    typeof pushConfirmCallback === 'function' &&
    typeof inner.frameMax === 'number' &&
    typeof inner.sendMessage === 'function' &&
    typeof inner.sentSinceLastCheck === 'boolean'
  );
}
