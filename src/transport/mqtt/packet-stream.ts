import { Duplex } from 'node:stream';
import { readNumber, readPublish, UsualTexts } from './packet-reader.js';
import { PacketWriter } from './packet-writer.js';
import { type Incoming, PACKET, type Protocol, type Publication } from './packets.js';
import { ReadPace } from './read-pace.js';

export interface PacketStreamOptions {
  readonly protocol: Protocol;
  /** Whether what is sent in one turn leaves as one piece, or each packet by itself. */
  readonly together: boolean;
  readonly onPublish: (message: Incoming) => void;
  /** A PUBACK and its reason, 0 where there is none. */
  readonly onPuback: (packetId: number, reason: number) => void;
  /** Whether reading may pause for a moment just now (see `ReadPace`); absent, it never does. */
  readonly mayPause?: (() => boolean) | undefined;
}

/**
 * Stands between mqtt.js and its stream. What each message costs, PUBLISH at QoS 0 and 1 and PUBACK, is read and written
 * here, a turn of the event loop at once; mqtt.js sees and sends all other packets. (mqtt.js writes a packet in some eight
 * pieces and reads it with as many steps; that was more than half of a participant's work.)
 *
 * Nothing is read after a CONNACK until `release`, so that a message is not seen before its session.
 */
export class PacketStream extends Duplex {
  readonly #stream: Duplex;
  readonly #options: PacketStreamOptions;
  readonly #writer: PacketWriter;
  readonly #texts = new UsualTexts();
  readonly #pace: ReadPace | undefined;
  #parts: Buffer[] = [];
  #partBytes = 0;
  /** Bytes without which reading on is no use. */
  #neededBytes = 2;
  /** Of the read that is going on. */
  #packets = 0;
  #isHeld = false;
  #isReading = false;
  #isFlushing = false;

  constructor(stream: Duplex, options: PacketStreamOptions) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.#options = options;
    this.#writer = new PacketWriter(options.protocol, (bytes) => void stream.write(bytes));
    const { mayPause } = options;
    this.#pace =
      mayPause && new ReadPace({ mayPause, pause: () => stream.pause(), resume: () => this.#resumeAfterPause() });
    stream.on('data', (bytes: Buffer) => this.#take(bytes));
    stream.on('end', () => this.push(null));
    stream.on('error', (error) => this.destroy(error));
    stream.on('close', () => this.destroy());
  }

  publish(publication: Publication, packetId: number): void {
    this.#writer.publish(publication, packetId);
    this.#flushLater();
  }

  /** While reading pauses, it waits for the end of that: the broker sends on without it. */
  puback(packetId: number): void {
    this.#writer.puback(packetId);
    if (!this.#pace?.isPaused) this.#flushLater();
  }

  /** Reads nothing more until `release`. */
  hold(): void {
    this.#isHeld = true;
    this.#stream.pause();
  }

  release(): void {
    this.#isHeld = false;
    if (!this.#pace?.isPaused) this.#stream.resume();
    if (!this.#isReading) this.#read();
  }

  /** Somebody waits for what there is to be read. */
  hurry(): void {
    this.#pace?.hurry();
  }

  override _read(): void {
    // What there is is pushed at once: only packets that are few come this way.
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#writer.flush();
    this.#stream.write(bytes, done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer', done);
  }

  override _final(done: () => void): void {
    this.#writer.flush();
    this.#stream.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#pace?.end();
    this.#stream.destroy();
    done(error);
  }

  #flushLater(): void {
    if (!this.#options.together) this.#writer.flush();
    if (!this.#options.together || this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      if (!this.destroyed) this.#writer.flush();
    });
  }

  #resumeAfterPause(): void {
    this.#writer.flush();
    if (!this.#isHeld) this.#stream.resume();
  }

  #take(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#partBytes += bytes.length;
    this.#packets = 0;
    if (!this.#isHeld) this.#read();
    this.#pace?.wasRead(this.#packets);
  }

  #read(): void {
    if (this.#partBytes < this.#neededBytes) return;
    const [first] = this.#parts;
    const bytes = this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts);
    this.#isReading = true;
    try {
      const rest = bytes.subarray(this.#readPackets(bytes));
      this.#parts = rest.length > 0 ? [rest] : [];
      this.#partBytes = rest.length;
    } catch (error) {
      // What breaks the protocol ends the connection.
      if (!(error instanceof RangeError)) throw error;
      this.destroy(error);
    } finally {
      this.#isReading = false;
    }
  }

  /** Returns the end of the last whole packet that was read. */
  #readPackets(bytes: Buffer): number {
    let at = 0;
    this.#neededBytes = 2;
    while (at + 1 < bytes.length && !this.#isHeld && !this.destroyed) {
      const length = readNumber(bytes, at + 1);
      if (!length) break;
      const end = length.end + length.value;
      if (end > bytes.length) {
        this.#neededBytes = end - at;
        break;
      }
      this.#packet(bytes, at, length.end, end);
      at = end;
    }
    return at;
  }

  #packet(bytes: Buffer, from: number, body: number, end: number): void {
    this.#packets += 1;
    const first = bytes[from] ?? 0;
    const type = first >> 4;
    if (type === PACKET.publish && (first & 4) === 0)
      this.#options.onPublish(readPublish(bytes, first & 15, body, end, this.#options.protocol, this.#texts));
    else if (type === PACKET.puback && end >= body + 2)
      this.#options.onPuback(bytes.readUInt16BE(body), end > body + 2 ? (bytes[body + 2] ?? 0) : 0);
    else {
      if (type === PACKET.connack) this.hold();
      this.push(bytes.subarray(from, end));
    }
  }
}
