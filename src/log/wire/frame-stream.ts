import type { Socket } from 'node:net';
import { FrameDecoder } from '../../support/index.js';
import { WireError } from './errors.js';

/** Frames above this are refused, in bytes; nothing larger is sent. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const BLOCK_BYTES = 64 * 1024;
/** A text that may take more than this gets bytes of its own. */
const SMALL_BYTES = BLOCK_BYTES / 4;
const HEADER_BYTES = 4;

export interface FrameStreamOptions {
  /** Called with the body of each frame; it is the receiver's for this call. What it throws ends the connection. */
  onFrame(body: Buffer): void;
  /** Once, with the reason when it was not the peer that left in order. */
  onEnd(reason: Error | undefined): void;
}

/**
 * A socket that carries frames: the length of the body in 4 bytes, big-endian, then the body, one JSON document. What is
 * sent within one turn of the event loop is written at once.
 */
export class FrameStream {
  readonly #socket: Socket;
  #block = Buffer.allocUnsafeSlow(0);
  #sealed = 0;
  #used = 0;
  #parts: Buffer[] = [];
  #partBytes = 0;
  #flush: NodeJS.Immediate | undefined;
  #ended = false;

  constructor(socket: Socket, { onFrame, onEnd }: FrameStreamOptions) {
    this.#socket = socket;
    const decoder = new FrameDecoder(MAX_FRAME_BYTES);
    let reason: Error | undefined;
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const body of decoder.push(chunk)) {
          if (this.#ended) return;
          onFrame(body);
        }
      } catch (error) {
        this.destroy(error instanceof Error ? error : new WireError(String(error)));
      }
    });
    socket.on('error', (error) => {
      reason ??= error;
    });
    socket.on('close', () => {
      this.#ended = true;
      clearImmediate(this.#flush);
      onEnd(reason);
    });
  }

  /** Bytes that the peer has not taken yet. */
  get bufferedBytes(): number {
    return this.#partBytes + (this.#used - this.#sealed) + this.#socket.writableLength;
  }

  /** Calls back once, when all of that was taken; not at all when the connection ends before. */
  onceDrained(callback: () => void): void {
    this.#write();
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', callback);
    else setImmediate(callback);
  }

  send(json: string): void {
    if (this.#ended) return;
    const mostBytes = HEADER_BYTES + json.length * 3;
    if (mostBytes > SMALL_BYTES) {
      this.sendParts([Buffer.from(json)]);
      return;
    }
    if (this.#used + mostBytes > this.#block.length) this.#newBlock();
    const bytes = this.#block.write(json, this.#used + HEADER_BYTES);
    this.#block.writeUInt32BE(bytes, this.#used);
    this.#used += HEADER_BYTES + bytes;
    this.#flush ??= setImmediate(() => this.#write());
  }

  /** One frame of several pieces of one JSON document. They must not change until they are written. */
  sendParts(pieces: readonly Buffer[]): void {
    if (this.#ended) return;
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    header.writeUInt32BE(bytes, 0);
    this.#seal();
    this.#parts.push(header, ...pieces);
    this.#partBytes += HEADER_BYTES + bytes;
    this.#flush ??= setImmediate(() => this.#write());
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
    this.#write();
    this.#ended = true;
    this.#socket.destroySoon();
  }

  destroy(reason?: Error): void {
    this.#ended = true;
    this.#socket.destroy(reason);
  }

  #newBlock(): void {
    this.#seal();
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#sealed = 0;
    this.#used = 0;
  }

  /** What was written into the block so far goes before what comes next. */
  #seal(): void {
    if (this.#used === this.#sealed) return;
    const part = this.#block.subarray(this.#sealed, this.#used);
    this.#sealed = this.#used;
    this.#parts.push(part);
    this.#partBytes += part.length;
  }

  #write(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    this.#seal();
    const parts = this.#parts;
    if (parts.length === 0 || this.#ended) return;
    this.#parts = [];
    this.#partBytes = 0;
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
  }
}
