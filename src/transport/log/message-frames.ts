import { WireError } from '../../log/wire/index.js';
import type { ByteReader } from './byte-reader.js';
import type { FrameSocket } from './frame-socket.js';

/**
 * Messages go as bytes, since there are many of them; all else has a head of JSON. The first byte of the body of a frame tells
 * which: 0 is the length of a head. Numbers are big-endian; a *text* or *block* is its length in 4 bytes and its bytes;
 * headers are a block, the text of a JSON object of texts.
 *
 * | | after the first byte |
 * |---|---|
 * | send | re, u8 flags (1 inqueue, 2 mandatory), text queue, block headers, the payload |
 * | settle | re, u32 consumer, u32 tag, u8 verdict, u8 hold, u32 outputs, of each: u8 mandatory, text outqueue, block headers, block payload; a dead letter: block headers, the payload |
 * | deliver | u32 consumer, u32 tag, u8 redelivered, block headers, the payload |
 * | done | re of each request that was carried out |
 */
export const MESSAGE = { send: 1, settle: 2, deliver: 3, done: 4 } as const;

export type WireVerdict = 'ack' | 'requeue' | 'dead-letter';
const VERDICTS: readonly WireVerdict[] = ['ack', 'requeue', 'dead-letter'];

const NUMBERS_BYTES = 32;
const COUNTED_CHARS = 4096;
const IS_INQUEUE = 1;
const IS_MANDATORY = 2;
const NO_OUTPUTS: readonly ReadOutput[] = [];

/** To be written: texts, or bytes that exist already. */
export interface WireOutput {
  readonly name: string;
  readonly mandatory: boolean;
  readonly headers: string | Buffer;
  readonly body: string | Buffer;
}

/** Read; the bytes are views. */
export interface ReadOutput extends WireOutput {
  readonly headers: Buffer;
  readonly body: Buffer;
}

export interface WireSend extends WireOutput {
  readonly kind: 'inqueue' | 'outqueue';
}

export interface WireSettlement<O extends WireOutput = WireOutput> {
  readonly consumer: number;
  readonly tag: number;
  readonly verdict: WireVerdict;
  readonly hold: boolean;
  readonly outputs: readonly O[];
  /** Of verdict `dead-letter`. */
  readonly dead?: Pick<O, 'headers' | 'body'> | undefined;
}

export interface WireDelivery {
  readonly consumer: number;
  readonly tag: number;
  readonly redelivered: boolean;
  readonly headers: Buffer;
  readonly body: Buffer;
}

/** A delivery as it was received: headers and payload are parts of bytes, looked at only where they are. */
export class ReadDelivery {
  readonly consumer: number;
  readonly tag: number;
  readonly redelivered: boolean;
  readonly bytes: Buffer;
  readonly headersAt: number;
  readonly headersEnd: number;
  readonly bodyAt: number;
  readonly bodyEnd: number;

  constructor(reader: ByteReader) {
    this.consumer = reader.u32();
    this.tag = reader.u32();
    this.redelivered = reader.u8() === 1;
    const headersBytes = reader.u32();
    this.bytes = reader.bytes;
    this.headersAt = reader.pass(headersBytes);
    this.headersEnd = reader.at;
    this.bodyAt = reader.pass(reader.left);
    this.bodyEnd = reader.at;
  }

  /** A view. */
  get body(): Buffer {
    return this.bytes.subarray(this.bodyAt, this.bodyEnd);
  }
}

/** Payload to be written: a Buffer as it is, anything else as JSON text (`undefined` as `null`). */
export function payloadText(data: unknown): string | Buffer {
  if (Buffer.isBuffer(data)) return data;
  if (data instanceof Uint8Array) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return JSON.stringify(data) ?? 'null';
}

/** The most that it can take. */
export function sendBytes({ name, headers, body }: WireSend): number {
  return NUMBERS_BYTES + 3 * name.length + mostBytes(headers) + mostBytes(body);
}

/** @param mostBytes `sendBytes` of it */
export function writeSend(frames: FrameSocket, re: number, send: WireSend, mostBytes: number): void {
  const { kind, name, mandatory, headers, body } = send;
  const writer = frames.begin(mostBytes);
  writer.u8(MESSAGE.send);
  writer.u32(re);
  writer.u8((kind === 'inqueue' ? IS_INQUEUE : 0) | (mandatory ? IS_MANDATORY : 0));
  writer.block(name);
  writer.block(headers);
  writer.rest(body);
  frames.endMessage();
}

export function readSend(reader: ByteReader): ReadOutput & Pick<WireSend, 'kind'> {
  const flags = reader.u8();
  return {
    kind: flags & IS_INQUEUE ? 'inqueue' : 'outqueue',
    mandatory: (flags & IS_MANDATORY) !== 0,
    name: reader.name(),
    headers: reader.block(),
    body: reader.rest(),
  };
}

export function settlementBytes({ outputs, dead }: WireSettlement): number {
  let bytes = NUMBERS_BYTES;
  for (const { name, headers, body } of outputs)
    bytes += NUMBERS_BYTES + 3 * name.length + mostBytes(headers) + mostBytes(body);
  return dead ? bytes + mostBytes(dead.headers) + mostBytes(dead.body) : bytes;
}

/** @param mostBytes `settlementBytes` of it */
export function writeSettlement(frames: FrameSocket, re: number, settlement: WireSettlement, mostBytes: number): void {
  const { consumer, tag, verdict, hold, outputs, dead } = settlement;
  const writer = frames.begin(mostBytes);
  writer.u8(MESSAGE.settle);
  writer.u32(re);
  writer.u32(consumer);
  writer.u32(tag);
  writer.u8(VERDICTS.indexOf(verdict));
  writer.u8(hold ? 1 : 0);
  writer.u32(outputs.length);
  for (const { name, mandatory, headers, body } of outputs) {
    writer.u8(mandatory ? 1 : 0);
    writer.block(name);
    writer.block(headers);
    writer.block(body);
  }
  if (dead) {
    writer.block(dead.headers);
    writer.rest(dead.body);
  }
  frames.endMessage();
}

export function readSettlement(reader: ByteReader): WireSettlement<ReadOutput> {
  const consumer = reader.u32();
  const tag = reader.u32();
  const which = reader.u8();
  const hold = reader.u8() === 1;
  const count = reader.u32();
  const verdict = VERDICTS[which];
  if (!verdict) throw new WireError(`there is no verdict ${which}`);
  const outputs = readOutputs(reader, count);
  const dead = verdict === 'dead-letter' ? { headers: reader.block(), body: reader.rest() } : undefined;
  return { consumer, tag, verdict, hold, outputs, dead };
}

/** Mostly there is one, or none: no room for more. */
function readOutputs(reader: ByteReader, count: number): readonly ReadOutput[] {
  if (count === 0) return NO_OUTPUTS;
  if (count === 1) return [readOutput(reader)];
  const outputs: ReadOutput[] = [];
  while (outputs.length < count) outputs.push(readOutput(reader));
  return outputs;
}

function readOutput(reader: ByteReader): ReadOutput {
  const mandatory = reader.u8() === 1;
  return { name: reader.name(), mandatory, headers: reader.block(), body: reader.block() };
}

export function writeDelivery(frames: FrameSocket, { consumer, tag, redelivered, headers, body }: WireDelivery): void {
  const writer = frames.begin(NUMBERS_BYTES + headers.length + body.length);
  writer.u8(MESSAGE.deliver);
  writer.u32(consumer);
  writer.u32(tag);
  writer.u8(redelivered ? 1 : 0);
  writer.block(headers);
  writer.rest(body);
  frames.endMessage();
}

export function writeDone(frames: FrameSocket, requests: readonly number[]): void {
  const writer = frames.begin(NUMBERS_BYTES + 4 * requests.length);
  writer.u8(MESSAGE.done);
  for (const re of requests) writer.u32(re);
  frames.endMessage();
}

/** Counting a long text costs less than room for three times of it, and what is refused for its size has it. */
function mostBytes(part: string | Buffer): number {
  if (typeof part !== 'string') return part.length;
  return part.length > COUNTED_CHARS ? Buffer.byteLength(part) : 3 * part.length;
}
