import { Socket } from 'node:net';
import { Writable } from 'node:stream';

/** From here on a copy costs more than a system call. */
export const LARGE_BYTES = 16 * 1024;
const CHUNK_BYTES = 64 * 1024;

const WRITER = Symbol('writes of a turn');

/**
 * amqplib writes each message to the socket by itself: a system call each, and a packet each where Nagle is off; before
 * that it passes it through two streams, to be fair to many channels. Here all that it writes in one turn of the event
 * loop leaves as one, past those streams: what is on its way is bounded elsewhere. Neither `stream` nor `freshChannel`
 * is part of its typed surface; without them everything is as amqplib does it.
 */
export function writeTogether({ connection }: { readonly connection: object }): void {
  const stream: unknown = Reflect.get(connection, 'stream');
  if (!(stream instanceof Socket)) return;
  const writer = new TurnWriter(stream);
  const freshChannel: unknown = Reflect.get(connection, 'freshChannel');
  if (typeof freshChannel !== 'function') return;
  override(connection, WRITER, writer);
  override(connection, 'freshChannel', (...options: readonly unknown[]): unknown => {
    const number: unknown = Reflect.apply(freshChannel, connection, options);
    const buffer: unknown = Object(Reflect.get(connection, 'channels'))[Number(number)]?.buffer;
    if (buffer instanceof Writable) override(buffer, 'write', writer.write);
    return number;
  });
}

/** That of a connection whose writes leave together. */
export function turnWriterOf(connection: object): TurnWriter | undefined {
  const writer: unknown = Reflect.get(connection, WRITER);
  return writer instanceof TurnWriter ? writer : undefined;
}

/** Collects what is written to a socket in one turn of the event loop. In place of the socket's own `write` and `end`. */
export class TurnWriter {
  readonly #stream: Socket;
  readonly #write: Socket['write'];
  #chunk = Buffer.allocUnsafe(0);
  #from = 0;
  #at = 0;
  #flushing: NodeJS.Immediate | undefined;

  constructor(stream: Socket) {
    const { write, end } = stream;
    this.#stream = stream;
    this.#write = write;
    override(stream, 'write', this.write);
    override(stream, 'end', (...last: readonly unknown[]): unknown => {
      this.flush();
      return Reflect.apply(end, stream, last);
    });
  }

  /** Where the next bytes go. */
  get at(): number {
    return this.#at;
  }

  /** The chunk to write into from `at` on, with room for so many bytes, at most LARGE_BYTES; then `wrote` is called. */
  reserve(bytes: number): Buffer {
    if (this.#at + bytes > this.#chunk.length) {
      this.flush();
      this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#from = 0;
      this.#at = 0;
    }
    return this.#chunk;
  }

  /** Up to here it is to leave. What has left is never written over: the socket may still hold it. */
  wrote(at: number): void {
    this.#at = at;
    this.#flushing ??= setImmediate(this.flush);
  }

  readonly write = (packet: unknown, ...more: readonly unknown[]): boolean => {
    if (!Buffer.isBuffer(packet) || packet.length > LARGE_BYTES || more.length > 0) {
      this.flush();
      return Reflect.apply(this.#write, this.#stream, [packet, ...more]);
    }
    const chunk = this.reserve(packet.length);
    this.wrote(this.#at + packet.copy(chunk, this.#at));
    return !this.#stream.writableNeedDrain;
  };

  readonly flush = (): void => {
    if (this.#flushing) clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#from === this.#at) return;
    const together = this.#chunk.subarray(this.#from, this.#at);
    this.#from = this.#at;
    Reflect.apply(this.#write, this.#stream, [together]);
  };
}

function override(target: object, name: string | symbol, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}
