import { MsgfloError } from '../errors.js';

/** A peer announced a frame above the limit; the connection cannot be used any further. */
export class FrameTooLargeError extends MsgfloError {
  readonly code = 'MSGFLO_FRAME_TOO_LARGE';
}

/** A frame: its length in bytes as 4 bytes big-endian, then the body. */
export function encodeFrame(body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** The body of a frame: `bytes` from one place to another. */
export type TakeFrame = (bytes: Buffer, from: number, to: number) => void;

/** Cuts a byte stream into frames. Holds at most one unfinished frame of `maxBytes`. */
export class FrameDecoder {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Gives the bodies completed by `chunk`, one after another; what `take` throws leaves nothing to go on with.
   * @throws {FrameTooLargeError} as soon as a length above `maxBytes` is seen
   */
  push(chunk: Buffer, take: TakeFrame): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted()) return;
    const [first] = this.#chunks;
    const all = first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    let at = 0;
    while (all.length - at >= 4) {
      const end = at + 4 + this.#sizeAt(all, at);
      if (all.length < end) break;
      take(all, at + 4, end);
      at = end;
    }
    this.#chunks = at < all.length ? [all.subarray(at)] : [];
    this.#length = all.length - at;
  }

  /** Bytes needed before anything can be cut off. Joins chunks only to see the length. */
  #wanted(): number {
    if (this.#length < 4) return 4;
    const [first] = this.#chunks;
    if (first && first.length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
    return 4 + this.#sizeAt(this.#chunks[0] ?? Buffer.alloc(4));
  }

  #sizeAt(bytes: Buffer, at = 0): number {
    const size = bytes.readUInt32BE(at);
    if (size > this.#maxBytes)
      throw new FrameTooLargeError(`frame of ${size} bytes, at most ${this.#maxBytes} are taken`);
    return size;
  }
}
