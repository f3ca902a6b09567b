import type { Socket } from 'node:net';
import { FramePipe } from '../../support/index.js';

/** Frames above this are refused, in bytes; nothing larger is sent. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const HEADER_BYTES = 4;

export interface FrameStreamOptions {
  /** Called with the body of each frame; it is the receiver's for this call. What it throws ends the connection. */
  onFrame(body: Buffer): void;
  /** Once, with the reason when it was not the peer that left in order. */
  onEnd(reason: Error | undefined): void;
}

/** A socket that carries frames of one JSON document each. What is sent within one turn is written at once. */
export class FrameStream {
  readonly #socket: Socket;
  readonly #frames: FramePipe;

  constructor(socket: Socket, options: FrameStreamOptions) {
    this.#socket = socket;
    const { onFrame, onEnd } = options;
    this.#frames = new FramePipe(socket, {
      maxBytes: MAX_FRAME_BYTES,
      onFrame: (bytes, from, to) => onFrame(bytes.subarray(from, to)),
      onEnd,
    });
  }

  /** Bytes that the peer has not taken yet. */
  get bufferedBytes(): number {
    return this.#frames.bufferedBytes;
  }

  /** Calls back once, when all of that was taken; not at all when the connection ends before. */
  onceDrained(callback: () => void): void {
    this.#frames.flush();
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', callback);
    else setImmediate(callback);
  }

  send(json: string): void {
    if (this.#frames.hasEnded) return;
    const { blocks } = this.#frames;
    if (!blocks.hasRoomFor(HEADER_BYTES + json.length * 3)) {
      this.sendParts([Buffer.from(json)]);
      return;
    }
    const { block, at } = blocks;
    const bytes = block.write(json, at + HEADER_BYTES);
    block.writeUInt32BE(bytes, at);
    blocks.at = at + HEADER_BYTES + bytes;
    this.#frames.flushSoon();
  }

  /** One frame of several pieces of one JSON document. They must not change until they are written. */
  sendParts(pieces: readonly Buffer[]): void {
    if (this.#frames.hasEnded) return;
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32BE(
      pieces.reduce((sum, piece) => sum + piece.length, 0),
      0,
    );
    this.#frames.blocks.add([header, ...pieces]);
    this.#frames.flushSoon();
  }

  /** While paused nothing is read, so that the peer feels it. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Writes what is waiting and leaves. */
  end(): void {
    this.#frames.end();
  }

  destroy(reason?: Error): void {
    this.#frames.destroy(reason);
  }
}
