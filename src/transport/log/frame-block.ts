import { ByteWriter } from './byte-writer.js';

const BLOCK_BYTES = 64 * 1024;
/** A frame that may take more gets bytes of its own. */
const SMALL_BYTES = BLOCK_BYTES / 4;
const START_BYTES = 8;
const LENGTH_BYTES = 4;
const EMPTY = Buffer.alloc(0);

/** Frames as bytes, collected until they are written: small ones side by side in large blocks, large bodies as they are. */
export class FrameBlock {
  #block = Buffer.allocUnsafeSlow(0);
  #sealed = 0;
  #used = 0;
  #parts: Buffer[] = [];
  #partBytes = 0;
  readonly #writer = new ByteWriter();

  /** Not taken yet. */
  get bytes(): number {
    return this.#partBytes + this.#used - this.#sealed;
  }

  add(head: object, bodies: readonly Buffer[]): void {
    const json = JSON.stringify(head);
    let bodyBytes = 0;
    for (const body of bodies) bodyBytes += body.length;
    const mostBytes = START_BYTES + json.length * 3 + bodyBytes;
    if (mostBytes > SMALL_BYTES) {
      this.#addLarge(Buffer.from(json), bodies, bodyBytes);
      return;
    }
    if (this.#used + mostBytes > this.#block.length) this.#newBlock();
    const block = this.#block;
    const start = this.#used;
    const headBytes = block.write(json, start + START_BYTES);
    block.writeUInt32BE(4 + headBytes + bodyBytes, start);
    block.writeUInt32BE(headBytes, start + 4);
    let end = start + START_BYTES + headBytes;
    for (const body of bodies) end += body.copy(block, end);
    this.#used = end;
  }

  /** For a frame whose body has at most so many bytes: has to be written before anything else, and ended by `end`. */
  begin(mostBytes: number): ByteWriter {
    const writer = this.#writer;
    if (LENGTH_BYTES + mostBytes > SMALL_BYTES) {
      writer.bytes = Buffer.allocUnsafe(LENGTH_BYTES + mostBytes);
      writer.at = LENGTH_BYTES;
      return writer;
    }
    if (this.#used + LENGTH_BYTES + mostBytes > this.#block.length) this.#newBlock();
    writer.bytes = this.#block;
    writer.at = this.#used + LENGTH_BYTES;
    return writer;
  }

  end(): void {
    const { bytes, at } = this.#writer;
    if (bytes === this.#block) {
      bytes.writeUInt32BE(at - this.#used - LENGTH_BYTES, this.#used);
      this.#used = at;
      return;
    }
    bytes.writeUInt32BE(at - LENGTH_BYTES, 0);
    this.#seal();
    this.#parts.push(bytes.subarray(0, at));
    this.#partBytes += at;
    this.#writer.bytes = EMPTY;
  }

  /** All that was added since the last time. */
  take(): readonly Buffer[] {
    this.#seal();
    const parts = this.#parts;
    this.#parts = [];
    this.#partBytes = 0;
    return parts;
  }

  #addLarge(json: Buffer, bodies: readonly Buffer[], bodyBytes: number): void {
    const start = Buffer.allocUnsafe(START_BYTES);
    start.writeUInt32BE(4 + json.length + bodyBytes, 0);
    start.writeUInt32BE(json.length, 4);
    this.#seal();
    this.#parts.push(start, json, ...bodies);
    this.#partBytes += START_BYTES + json.length + bodyBytes;
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
}
