/** Text frames as bytes, made once for all clients that one goes to in a row: they share the memory until each has read it. */
export class FrameEncoder {
  #frame = '';
  #bytes = Buffer.alloc(0);

  bytesOf(frame: string): Buffer {
    if (frame !== this.#frame) {
      this.#frame = frame;
      this.#bytes = Buffer.from(frame);
    }
    return this.#bytes;
  }
}
