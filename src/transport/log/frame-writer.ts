import type { ByteBlocks } from '../../support/index.js';
import { ByteWriter } from './byte-writer.js';

const START_BYTES = 8;
const LENGTH_BYTES = 4;
const EMPTY = Buffer.alloc(0);

/** Writes frames where they are collected until they are sent. */
export class FrameWriter {
  readonly #blocks: ByteBlocks;
  readonly #writer = new ByteWriter();

  constructor(blocks: ByteBlocks) {
    this.#blocks = blocks;
  }

  /** A frame of a head and bytes. Large bodies must not change until they are sent. */
  add(head: object, bodies: readonly Buffer[]): void {
    const blocks = this.#blocks;
    const json = JSON.stringify(head);
    let bodyBytes = 0;
    for (const body of bodies) bodyBytes += body.length;
    if (!blocks.hasRoomFor(START_BYTES + json.length * 3 + bodyBytes)) {
      this.#addLarge(Buffer.from(json), bodies, bodyBytes);
      return;
    }
    const { block, at: start } = blocks;
    const headBytes = block.write(json, start + START_BYTES);
    block.writeUInt32BE(4 + headBytes + bodyBytes, start);
    block.writeUInt32BE(headBytes, start + 4);
    let end = start + START_BYTES + headBytes;
    for (const body of bodies) end += body.copy(block, end);
    blocks.at = end;
  }

  /** For a frame whose body has at most so many bytes: has to be written before anything else, and ended by `end`. */
  begin(mostBytes: number): ByteWriter {
    const writer = this.#writer;
    const blocks = this.#blocks;
    if (blocks.hasRoomFor(LENGTH_BYTES + mostBytes)) {
      writer.bytes = blocks.block;
      writer.at = blocks.at + LENGTH_BYTES;
    } else {
      writer.bytes = Buffer.allocUnsafe(LENGTH_BYTES + mostBytes);
      writer.at = LENGTH_BYTES;
    }
    return writer;
  }

  end(): void {
    const { bytes, at } = this.#writer;
    const blocks = this.#blocks;
    if (bytes === blocks.block) {
      bytes.writeUInt32BE(at - blocks.at - LENGTH_BYTES, blocks.at);
      blocks.at = at;
      return;
    }
    bytes.writeUInt32BE(at - LENGTH_BYTES, 0);
    blocks.add([bytes.subarray(0, at)]);
    this.#writer.bytes = EMPTY;
  }

  #addLarge(json: Buffer, bodies: readonly Buffer[], bodyBytes: number): void {
    const start = Buffer.allocUnsafe(START_BYTES);
    start.writeUInt32BE(4 + json.length + bodyBytes, 0);
    start.writeUInt32BE(json.length, 4);
    this.#blocks.add([start, json, ...bodies]);
  }
}
