import type { Socket } from 'node:net';
import { ByteBlocks } from './byte-blocks.js';
import { FrameDecoder, type TakeFrame } from './framing.js';

export interface FramePipeOptions {
  /** Frames above this are refused, in bytes. */
  readonly maxBytes: number;
  /** Called with the body of each frame, within bytes that nobody writes to any more. What it throws ends the connection. */
  onFrame: TakeFrame;
  /** Once, with the reason when it was not the peer that left in order. */
  onEnd(reason: Error | undefined): void;
  /** Before each write; what it sends goes with it. @default nothing */
  atFlush?(): void;
}

/**
 * A socket that carries frames: the length of the body in 4 bytes, big-endian, then the body. What is put into `blocks`
 * within one turn of the event loop is written at once.
 */
export class FramePipe {
  readonly blocks = new ByteBlocks();
  readonly #socket: Socket;
  readonly #atFlush: (() => void) | undefined;
  #flush: NodeJS.Immediate | undefined;
  #isFlushing = false;
  #ended = false;

  constructor(socket: Socket, { maxBytes, onFrame, onEnd, atFlush }: FramePipeOptions) {
    this.#socket = socket;
    this.#atFlush = atFlush;
    const decoder = new FrameDecoder(maxBytes);
    let reason: Error | undefined;
    const take: TakeFrame = (bytes, from, to) => {
      if (!this.#ended) onFrame(bytes, from, to);
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        decoder.push(chunk, take);
      } catch (error) {
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', (error) => {
      reason ??= error;
    });
    socket.on('close', () => {
      this.#ended = true;
      clearImmediate(this.#flush);
      onEnd(reason);
    });
  }

  /** Nothing more is read or written. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Bytes that the peer has not taken yet. */
  get bufferedBytes(): number {
    return this.blocks.bytes + this.#socket.writableLength;
  }

  /** At the end of this turn. */
  flushSoon(): void {
    this.#flush ??= setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#atFlush?.();
    this.#isFlushing = false;
    clearImmediate(this.#flush);
    this.#flush = undefined;
    if (this.blocks.bytes === 0 || this.#ended) return;
    const parts = this.blocks.take();
    if (parts.length > 1) this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    if (parts.length > 1) this.#socket.uncork();
  }

  /** Writes what is waiting and leaves. */
  end(): void {
    this.flush();
    this.#ended = true;
    this.#socket.destroySoon();
  }

  destroy(reason?: Error): void {
    this.#ended = true;
    this.#socket.destroy(reason);
  }
}
