import type { Socket } from 'node:net';

/** Beyond this nothing more is read from a client that does not read. */
const FULL_BYTES = 1024 * 1024;
/** Up to this much is copied together; larger parts are written one by one. */
const JOIN_BYTES = 64 * 1024;

/** Packets on their way to one client; all of one turn are written together. */
export class Outbox {
  readonly #socket: Socket;
  #parts: Buffer[] = [];
  #bytes = 0;
  #written: (() => void)[] = [];
  #isDue = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that the client has not taken. */
  get waitingBytes(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  get isFull(): boolean {
    return this.waitingBytes > FULL_BYTES;
  }

  /** @param written called when the system has taken it; never, if the connection ends before */
  send(parts: readonly Buffer[], written?: () => void): void {
    for (const part of parts) {
      this.#parts.push(part);
      this.#bytes += part.length;
    }
    if (written) this.#written.push(written);
    if (this.#isDue) return;
    this.#isDue = true;
    process.nextTick(() => this.flush());
  }

  flush(): void {
    this.#isDue = false;
    const [parts, bytes, written] = [this.#parts, this.#bytes, this.#written];
    if (parts.length === 0) return;
    this.#parts = [];
    this.#bytes = 0;
    this.#written = [];
    if (!this.#socket.writable) return;
    const tell = (error?: Error | null): void => {
      if (!error) for (const one of written) one();
    };
    if (bytes <= JOIN_BYTES) {
      this.#socket.write(Buffer.concat(parts, bytes), written.length > 0 ? tell : undefined);
      return;
    }
    this.#socket.cork();
    for (const [at, part] of parts.entries()) {
      if (at < parts.length - 1) this.#socket.write(part);
      else this.#socket.write(part, tell);
    }
    this.#socket.uncork();
  }
}
