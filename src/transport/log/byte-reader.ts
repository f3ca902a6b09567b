import { WireError } from '../../log/wire/index.js';
import { LastText } from '../../support/index.js';

/** Reads what a `ByteWriter` has written, one frame after another. Every reader throws WireError where the bytes end too soon. */
export class ByteReader {
  bytes: Buffer = Buffer.alloc(0);
  /** Where the next one is read. */
  at = 0;
  #end = 0;
  /** Mostly a connection is about the same queue. */
  readonly #name = new LastText();

  /** From here on it reads these bytes. */
  begin(bytes: Buffer, from: number, to: number): void {
    this.bytes = bytes;
    this.at = from;
    this.#end = to;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#end;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#end - this.at;
  }

  u8(): number {
    return this.bytes[this.pass(1)] ?? 0;
  }

  u32(): number {
    return this.bytes.readUInt32BE(this.pass(4));
  }

  /** A text that mostly is the one before. */
  name(): string {
    const length = this.u32();
    return this.#name.read(this.bytes, this.pass(length), length);
  }

  /** A view. */
  block(): Buffer {
    const length = this.u32();
    const start = this.pass(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A view. */
  rest(): Buffer {
    return this.bytes.subarray(this.pass(this.left), this.#end);
  }

  /** Goes on behind so many bytes, and says where they begin. */
  pass(length: number): number {
    const start = this.at;
    this.at += length;
    if (this.at > this.#end) throw new WireError('a frame is shorter than what it holds');
    return start;
  }
}
