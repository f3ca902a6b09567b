import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { FrameEncoder } from './frame-encoder.js';
import type { ServerLimits } from './limits.js';

export interface OutboxOptions {
  readonly limits: Pick<ServerLimits, 'maxUnreadDataBytes' | 'maxUnreadBytes'>;
  readonly encoder: FrameEncoder;
  /** A frame was dropped. */
  dropped(): void;
  /** The client reads again; so many frames were dropped before. */
  drained(lost: number): void;
  /** What must not be dropped finds no room. */
  overflowed(): void;
}

/** What is on its way to one client, within bounds however slowly it reads. */
export class Outbox {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #options: OutboxOptions;
  #lost = 0;
  #isCorked = false;
  #isBehind = false;
  #hasTaken = false;
  #isPonging = false;
  #ping: Buffer | undefined;
  #emptied: (() => void) | undefined;

  constructor(ws: WebSocket, socket: Duplex, options: OutboxOptions) {
    this.#ws = ws;
    this.#socket = socket;
    this.#options = options;
  }

  /** More is unread than data may be: what can wait had better. */
  get isFull(): boolean {
    return this.#ws.bufferedAmount > this.#options.limits.maxUnreadDataBytes;
  }

  /** @returns whether the frame was taken */
  put(frame: string, isDroppable: boolean): boolean {
    if (this.#ws.readyState !== this.#ws.OPEN) return false;
    const { limits, encoder, dropped, overflowed } = this.#options;
    this.#isBehind ||= this.isFull;
    if (isDroppable && (this.#lost > 0 || this.isFull)) {
      this.#lost += 1;
      dropped();
      return false;
    }
    if (this.#ws.bufferedAmount > limits.maxUnreadBytes) {
      overflowed();
      return false;
    }
    this.#cork();
    this.#ws.send(encoder.bytesOf(frame), { binary: false }, this.#written);
    return true;
  }

  /** Answers a ping; of those that come faster than answers leave, the latest only [RFC 6455, 5.5.3]. */
  pong(data: Buffer): void {
    if (this.#isPonging) {
      this.#ping = data;
      return;
    }
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#isPonging = true;
    this.#ws.pong(data, false, () => {
      this.#isPonging = false;
      const next = this.#ping;
      this.#ping = undefined;
      if (next) this.pong(next);
    });
  }

  /** Undefined while there is room; else resolves when the client has read, or is gone. One waits at a time. */
  room(): Promise<void> | undefined {
    if (!this.isFull) return undefined;
    return new Promise((resolve) => {
      this.#emptied = resolve;
    });
  }

  /**
   * Whether the client has read some of a backlog since this was last asked. Where there is none, what was written says
   * nothing: the system keeps it for a while also for a client that is gone.
   */
  hasTaken(): boolean {
    const hasTaken = this.#hasTaken;
    this.#hasTaken = false;
    return hasTaken;
  }

  /** Nothing leaves any more. */
  close(): void {
    this.#emptied?.();
  }

  readonly #written = (error?: Error | null): void => {
    if (error) return;
    this.#hasTaken ||= this.#isBehind;
    if (this.#ws.bufferedAmount >= this.#options.limits.maxUnreadDataBytes / 2) return;
    this.#isBehind = false;
    this.#emptied?.();
    this.#emptied = undefined;
    if (this.#lost === 0) return;
    const lost = this.#lost;
    this.#lost = 0;
    this.#options.drained(lost);
  };

  /** What is sent within one turn leaves in one write. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    setImmediate(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }
}
