const BLOCK_BYTES = 64 * 1024;
/** What may take more gets bytes of its own. */
const SMALL_BYTES = BLOCK_BYTES / 4;

/** Bytes that are collected until they are written: small pieces side by side in large blocks, large ones as they are. */
export class ByteBlocks {
  /** The one that is written into, from `at` on, where `hasRoomFor` says so. */
  block = Buffer.allocUnsafeSlow(0);
  at = 0;
  #sealed = 0;
  #parts: Buffer[] = [];
  #partBytes = 0;

  /** Not taken yet. */
  get bytes(): number {
    return this.#partBytes + this.at - this.#sealed;
  }

  /** Makes room in the block for a small piece. Who writes it there moves `at` behind it. False: it is a large one. */
  hasRoomFor(mostBytes: number): boolean {
    if (mostBytes > SMALL_BYTES) return false;
    if (this.at + mostBytes > this.block.length) this.#newBlock();
    return true;
  }

  /** Pieces that have bytes of their own. They must not change until they are written. */
  add(pieces: readonly Buffer[]): void {
    this.#seal();
    for (const piece of pieces) {
      this.#parts.push(piece);
      this.#partBytes += piece.length;
    }
  }

  /** All that was collected since the last time. */
  take(): readonly Buffer[] {
    this.#seal();
    const parts = this.#parts;
    this.#parts = [];
    this.#partBytes = 0;
    return parts;
  }

  #newBlock(): void {
    this.#seal();
    this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#sealed = 0;
    this.at = 0;
  }

  /** What was written into the block so far goes before what comes next. */
  #seal(): void {
    if (this.at === this.#sealed) return;
    const part = this.block.subarray(this.#sealed, this.at);
    this.#sealed = this.at;
    this.#parts.push(part);
    this.#partBytes += part.length;
  }
}
