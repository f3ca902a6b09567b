import { WireError } from '../../log/wire/index.js';

/** Reads what a `ByteWriter` has written. Every reader throws WireError where the bytes end too soon. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u8(): number {
    return this.#bytes[this.#pass(1)] ?? 0;
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#pass(4));
  }

  text(): string {
    const length = this.u32();
    const start = this.#pass(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** A view. */
  block(): Buffer {
    const length = this.u32();
    const start = this.#pass(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A view. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#pass(this.#bytes.length - this.#at));
  }

  #pass(length: number): number {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new WireError('a frame is shorter than what it holds');
    return start;
  }
}
