import type { Socket } from 'node:net';
import { FrameDecoder } from '../../support/index.js';
import { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { Fields, WireError } from './fields.js';
import { FrameBlock } from './frame-block.js';

/** Frames above this are refused, in bytes. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const FLUSH_BYTES = 64 * 1024;

/** What frames say; the bytes are nobody's but the receiver's. */
export interface OnFrame {
  /** A head of JSON, and bytes. */
  onRequest(fields: Fields, body: Buffer): void;
  /** A message (`MESSAGE`). */
  onMessage(what: number, reader: ByteReader): void;
  /** Once, with the reason when it was not the peer that left in order. */
  onEnd(reason?: Error): void;
}

/**
 * A socket that carries frames: 4 bytes length, then either 4 bytes length of a head, the head as JSON, and bytes as they
 * are, or a message (`MESSAGE`). What is sent within one turn of the event loop is written at once.
 */
export class FrameSocket {
  readonly #socket: Socket;
  readonly #frames = new FrameBlock();
  #flush: NodeJS.Immediate | undefined;
  #atFlush: () => void = () => undefined;
  #isFlushing = false;
  #ended = false;
  /** Reasons not to read. */
  #holds = 0;

  /** What the peer sends that cannot be read, or that a receiver throws on, ends the connection. */
  constructor(socket: Socket, receiver: OnFrame) {
    this.#socket = socket;
    const decoder = new FrameDecoder(MAX_FRAME_BYTES);
    let reason: Error | undefined;
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of decoder.push(chunk)) {
          if (this.#ended) return;
          receive(frame, receiver);
        }
      } catch (error) {
        this.destroy(error instanceof Error ? error : new WireError(String(error)));
      }
    });
    socket.on('error', (error) => {
      reason = error;
    });
    socket.on('close', () => {
      this.#ended = true;
      clearImmediate(this.#flush);
      receiver.onEnd(reason);
    });
  }

  /** Bytes that the peer has not taken yet. */
  get bufferedBytes(): number {
    return this.#frames.bytes + this.#socket.writableLength;
  }

  send(head: object, ...bodies: readonly Buffer[]): void {
    if (this.#ended) return;
    this.#frames.add(head, bodies);
    if (this.#frames.bytes >= FLUSH_BYTES && !this.#isFlushing) this.#write();
    else this.flushSoon();
  }

  /** For a message whose frame has at most so many bytes: has to be written in this turn, and ended by `end`. */
  begin(mostBytes: number): ByteWriter {
    return this.#frames.begin(mostBytes);
  }

  endMessage(): void {
    this.#frames.end();
    if (this.#ended) this.#frames.take();
    else if (this.#frames.bytes >= FLUSH_BYTES && !this.#isFlushing) this.#write();
    else this.flushSoon();
  }

  /** Has `add` called before each write; it may send more, which goes with it. */
  atFlush(add: () => void): void {
    this.#atFlush = add;
  }

  flushSoon(): void {
    this.#flush ??= setImmediate(() => this.#write());
  }

  /** Reads no more. */
  pause(): void {
    this.#hold();
  }

  /** While paused nothing is read, so that the peer feels it. */
  pauseUntilDrained(): void {
    if (this.#holds > 0 || !this.#socket.writableNeedDrain) return;
    this.#hold();
    this.#socket.once('drain', () => this.#letGo());
  }

  /** As `pauseUntilDrained`, until something else is over. */
  pauseUntil(over: Promise<void>): void {
    if (this.#holds > 0) return;
    this.#hold();
    over.then(
      () => this.#letGo(),
      () => this.#letGo(),
    );
  }

  /** Writes what is waiting and leaves. */
  end(): void {
    this.#write();
    this.#ended = true;
    this.#socket.destroySoon();
  }

  destroy(reason?: Error): void {
    this.#ended = true;
    this.#socket.destroy(reason);
  }

  #hold(): void {
    this.#holds += 1;
    this.#socket.pause();
  }

  #letGo(): void {
    this.#holds -= 1;
    if (this.#holds === 0 && !this.#ended) this.#socket.resume();
  }

  #write(): void {
    this.#isFlushing = true;
    this.#atFlush();
    this.#isFlushing = false;
    clearImmediate(this.#flush);
    this.#flush = undefined;
    if (this.#frames.bytes === 0 || this.#ended) return;
    const parts = this.#frames.take();
    if (parts.length > 1) this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    if (parts.length > 1) this.#socket.uncork();
  }
}

function receive(frame: Buffer, receiver: OnFrame): void {
  const [what] = frame;
  if (what) {
    const reader = new ByteReader(frame);
    receiver.onMessage(reader.u8(), reader);
    return;
  }
  const { fields, body } = readFrame(frame);
  receiver.onRequest(fields, body);
}

function readFrame(frame: Buffer): { fields: Fields; body: Buffer } {
  const bytes = frame.length >= 4 ? frame.readUInt32BE(0) : Number.POSITIVE_INFINITY;
  if (4 + bytes > frame.length) throw new WireError('a frame is shorter than its head');
  let head: unknown;
  try {
    head = JSON.parse(frame.toString('utf8', 4, 4 + bytes));
  } catch (error) {
    throw new WireError('the head of a frame is no JSON', { cause: error });
  }
  return { fields: new Fields(head), body: frame.subarray(4 + bytes) };
}
