import { MqttClientError } from './errors.js';

/** One packet as it came. */
export interface RawPacket {
  readonly head: number;
  readonly body: Buffer;
}

/** Cuts a byte stream into packets, one when it is asked for. Holds what has come and was not asked for. */
export class PacketCutter {
  /** Longer packets are refused as soon as their length is seen. */
  maxBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes needed before there is anything to cut; so a long packet is joined once. */
  #wanted = 2;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Undefined while there is no whole one. @throws {MqttClientError} for one that is too long, or whose length is none */
  next(): RawPacket | undefined {
    if (this.#length < this.#wanted) return undefined;
    const bytes = this.#joined();
    let length = 0;
    let at = 1;
    for (let scale = 1; ; scale *= 128, at += 1) {
      if (at > 4) throw new MqttClientError('the length of a packet is none');
      const byte = bytes[at];
      if (byte === undefined) return this.#waitFor(at + 1);
      length += (byte & 127) * scale;
      if (byte < 128) break;
    }
    const start = at + 1;
    if (start + length > this.maxBytes)
      throw new MqttClientError(`a packet has ${start + length} bytes, at most ${this.maxBytes} are taken`);
    if (bytes.length < start + length) return this.#waitFor(start + length);
    this.#keep(bytes.subarray(start + length));
    return { head: bytes[0] ?? 0, body: bytes.subarray(start, start + length) };
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (first && this.#chunks.length === 1) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    this.#wanted = 2;
  }

  #waitFor(bytes: number): undefined {
    this.#wanted = bytes;
    return undefined;
  }
}
