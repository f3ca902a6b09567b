/** Writes numbers and texts one behind another into bytes that have room for them. */
export class ByteWriter {
  bytes = Buffer.alloc(0);
  at = 0;

  u8(value: number): void {
    this.bytes[this.at] = value;
    this.at += 1;
  }

  u32(value: number): void {
    this.at = this.bytes.writeUInt32BE(value, this.at);
  }

  /** Its length in 4 bytes, then the bytes, of a text as UTF-8: at most `4 + 3 * text.length`. */
  block(block: string | Buffer): void {
    const start = this.at;
    this.at += 4;
    this.rest(block);
    this.bytes.writeUInt32BE(this.at - start - 4, start);
  }

  /** Without its length: what ends a frame. */
  rest(bytes: string | Buffer): void {
    this.at += typeof bytes === 'string' ? this.bytes.write(bytes, this.at) : bytes.copy(this.bytes, this.at);
  }
}
