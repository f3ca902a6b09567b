import { Socket } from 'node:net';
import { Writable } from 'node:stream';

/** From here on a copy costs more than a system call. */
const LARGE_BYTES = 16 * 1024;
const MAX_TOGETHER_BYTES = 64 * 1024;

/**
 * amqplib writes each message to the socket by itself: a system call each, and a packet each where Nagle is off; before
 * that it passes it through two streams, to be fair to many channels. Here all that it writes in one turn of the event
 * loop leaves as one, past those streams: what is on its way is bounded elsewhere. Neither `stream` nor `freshChannel`
 * is part of its typed surface; without them everything is as amqplib does it.
 */
export function writeTogether({ connection }: { readonly connection: object }): void {
  const stream: unknown = Reflect.get(connection, 'stream');
  if (!(stream instanceof Socket)) return;
  const write = joinWrites(stream);
  const freshChannel: unknown = Reflect.get(connection, 'freshChannel');
  if (typeof freshChannel !== 'function') return;
  override(connection, 'freshChannel', (...options: readonly unknown[]): unknown => {
    const number: unknown = Reflect.apply(freshChannel, connection, options);
    const buffer: unknown = Object(Reflect.get(connection, 'channels'))[Number(number)]?.buffer;
    if (buffer instanceof Writable) override(buffer, 'write', write);
    return number;
  });
}

/** Gives the stream's new `write`. */
function joinWrites(stream: Socket): (packet: unknown, ...more: readonly unknown[]) => boolean {
  const { write, end } = stream;
  let packets: Buffer[] = [];
  let bytes = 0;
  let flushing: NodeJS.Immediate | undefined;
  const flush = (): void => {
    if (flushing) clearImmediate(flushing);
    flushing = undefined;
    if (packets.length === 0) return;
    const together = Buffer.concat(packets, bytes);
    packets = [];
    bytes = 0;
    Reflect.apply(write, stream, [together]);
  };
  const add = (packet: unknown, ...more: readonly unknown[]): boolean => {
    if (!Buffer.isBuffer(packet) || packet.length > LARGE_BYTES || more.length > 0) {
      flush();
      return Reflect.apply(write, stream, [packet, ...more]);
    }
    packets.push(packet);
    bytes += packet.length;
    if (bytes > MAX_TOGETHER_BYTES) flush();
    else flushing ??= setImmediate(flush);
    return !stream.writableNeedDrain;
  };
  override(stream, 'write', add);
  override(stream, 'end', (...last: readonly unknown[]): unknown => {
    flush();
    return Reflect.apply(end, stream, last);
  });
  return add;
}

function override(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}
