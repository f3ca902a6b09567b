import { Socket } from 'node:net';

/**
 * amqplib writes each message to the socket by itself: a system call each, and a packet each where Nagle is off. Here all
 * that it writes in one go leaves as one, with nothing waiting longer than that. `stream` is not part of its typed
 * surface; without it everything is as before.
 */
export function writeTogether({ connection }: { readonly connection: object }): void {
  const stream: unknown = Reflect.get(connection, 'stream');
  if (!(stream instanceof Socket)) return;
  const { write } = stream;
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    stream.uncork();
  };
  const value = (...packet: readonly unknown[]): unknown => {
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    return Reflect.apply(write, stream, packet);
  };
  Object.defineProperty(stream, 'write', { value, configurable: true, writable: true });
}
