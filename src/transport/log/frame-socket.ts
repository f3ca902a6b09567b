import type { Socket } from 'node:net';
import { MAX_FRAME_BYTES, WireError } from '../../log/wire/index.js';
import { FramePipe } from '../../support/index.js';
import { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { Fields } from './fields.js';
import { FrameWriter } from './frame-writer.js';

const FLUSH_BYTES = 64 * 1024;

/** What frames say; the bytes are nobody's but the receiver's. */
export interface OnFrame {
  /** A head of JSON, and bytes. */
  onRequest(fields: Fields, body: Buffer): void;
  /** A message (`MESSAGE`); the reader reads it until this returns. */
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
  readonly #pipe: FramePipe;
  readonly #writer: FrameWriter;
  readonly #reader = new ByteReader();
  #atFlush: () => void = () => undefined;
  /** Reasons not to read. */
  #holds = 0;

  /** What the peer sends that cannot be read, or that a receiver throws on, ends the connection. */
  constructor(socket: Socket, receiver: OnFrame) {
    this.#socket = socket;
    this.#pipe = new FramePipe(socket, {
      maxBytes: MAX_FRAME_BYTES,
      onFrame: (bytes, from, to) => this.#receive(bytes, from, to, receiver),
      onEnd: (reason) => receiver.onEnd(reason),
      atFlush: () => this.#atFlush(),
    });
    this.#writer = new FrameWriter(this.#pipe.blocks);
  }

  /** Bytes that the peer has not taken yet. */
  get bufferedBytes(): number {
    return this.#pipe.bufferedBytes;
  }

  send(head: object, ...bodies: readonly Buffer[]): void {
    if (this.#pipe.hasEnded) return;
    this.#writer.add(head, bodies);
    this.#added();
  }

  /** For a message whose frame has at most so many bytes: has to be written in this turn, and ended by `endMessage`. */
  begin(mostBytes: number): ByteWriter {
    return this.#writer.begin(mostBytes);
  }

  endMessage(): void {
    this.#writer.end();
    if (this.#pipe.hasEnded) this.#pipe.blocks.take();
    else this.#added();
  }

  #added(): void {
    if (this.#pipe.blocks.bytes >= FLUSH_BYTES) this.#pipe.flush();
    else this.#pipe.flushSoon();
  }

  /** Has `add` called before each write; it may send more, which goes with it. */
  atFlush(add: () => void): void {
    this.#atFlush = add;
  }

  flushSoon(): void {
    this.#pipe.flushSoon();
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
    this.#pipe.end();
  }

  destroy(reason?: Error): void {
    this.#pipe.destroy(reason);
  }

  #receive(bytes: Buffer, from: number, to: number, receiver: OnFrame): void {
    if (bytes[from] && from < to) {
      const reader = this.#reader;
      reader.begin(bytes, from, to);
      receiver.onMessage(reader.u8(), reader);
      return;
    }
    const { fields, body } = readFrame(bytes.subarray(from, to));
    receiver.onRequest(fields, body);
  }

  #hold(): void {
    this.#holds += 1;
    this.#socket.pause();
  }

  #letGo(): void {
    this.#holds -= 1;
    if (this.#holds === 0 && !this.#pipe.hasEnded) this.#socket.resume();
  }
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
