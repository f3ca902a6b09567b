import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { RawData, WebSocket } from 'ws';
import type { FrameEncoder } from './frame-encoder.js';
import type { ServerLimits } from './limits.js';
import { Outbox } from './outbox.js';

/** Why a connection ended before its client wanted it to. */
export type CutReason = 'tooSlow' | 'tooBig' | 'malformed' | 'dead';

/** Hands a text frame to the client; false where it was left out because the client reads too slowly, or is gone. */
export type Put = (frame: string, options?: { readonly droppable?: boolean }) => boolean;

/** What frames mean, for one client. */
export interface Session {
  /** Resolves when the frame is answered; never rejects. */
  receive(frame: string | Uint8Array): Promise<void>;
  /** So many droppable frames were left out, and the client reads again. */
  drained(lost: number): void;
  /** Idempotent. */
  close(): void;
}

export interface ConnectionOptions {
  readonly limits: ServerLimits;
  readonly encoder: FrameEncoder;
  /** Opens the client's session; frames it sends go to the function given. */
  open(put: Put): Session;
  /** Called for each frame dropped because the client reads too slowly. */
  dropped(): void;
  /** Called at most once, when a limit ends the connection. */
  cut(reason: CutReason): void;
  /** Called once, when the connection is gone. */
  closed(): void;
}

interface Asked {
  readonly frame: string | Buffer;
  readonly bytes: number;
}

/** One WebSocket client: its frames in and out within the limits, its heartbeat, its end. */
export class Connection {
  readonly #ws: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #outbox: Outbox;
  readonly #session: Session;
  readonly #requests: Asked[] = [];
  readonly #gone: Promise<void>;
  #unanswered = 0;
  #unansweredBytes = 0;
  #isAsking = false;
  #isAlive = true;
  #isCut = false;
  #terminator: NodeJS.Timeout | undefined;

  constructor(ws: WebSocket, socket: Duplex, options: ConnectionOptions) {
    this.#ws = ws;
    this.#options = options;
    this.#outbox = new Outbox(ws, socket, {
      limits: options.limits,
      encoder: options.encoder,
      dropped: () => options.dropped(),
      drained: (lost) => this.#session.drained(lost),
      overflowed: () => this.#tooSlow(),
    });
    this.#session = options.open((frame, { droppable = false } = {}) => this.#outbox.put(frame, droppable));
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('ping', (data) => {
      this.#isAlive = true;
      this.#outbox.pong(data);
    });
    ws.on('pong', () => {
      this.#isAlive = true;
    });
    ws.on('error', (error) => this.#failed(error));
    this.#gone = new Promise((resolve) => {
      ws.on('close', () => {
        this.#closed();
        resolve();
      });
    });
  }

  /**
   * Pings, or cuts the connection when nothing was heard since the last ping, unless the client is busy reading what lay
   * before it, or waits for us: of one whose requests we do not take we do not read the answer either.
   */
  ping(): void {
    const waitsForUs = this.#ws.isPaused && !this.#outbox.isFull;
    const hasTaken = this.#outbox.hasTaken();
    if (this.#isAlive || hasTaken || waitsForUs) {
      this.#isAlive = false;
      this.#ws.ping();
      return;
    }
    this.#cut('dead');
    this.#ws.terminate();
  }

  /** Takes leave, and cuts the connection if that is not returned within `withinMs`. Resolves when it is gone. */
  close(code: number, reason: string, withinMs: number): Promise<void> {
    this.#ws.close(code, reason);
    if (this.#ws.isPaused) this.#ws.resume();
    this.#terminator ??= setTimeout(() => this.#ws.terminate(), withinMs);
    return this.#gone;
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#isAlive = true;
    if (this.#isCut) return;
    const bytes = bytesOf(data);
    this.#requests.push({ frame: isBinary ? bytes : bytes.toString(), bytes: bytes.length });
    this.#unanswered += 1;
    this.#unansweredBytes += bytes.length;
    if (this.#asksTooMuch && this.#ws.readyState === this.#ws.OPEN) this.#ws.pause();
    if (!this.#isAsking) void this.#askAll();
  }

  /** Asks on while answers are on their way, but not while those before are unread. */
  async #askAll(): Promise<void> {
    this.#isAsking = true;
    for (let request = this.#requests.shift(); request !== undefined; request = this.#requests.shift()) {
      const { frame, bytes } = request;
      const answered = this.#session.receive(frame).then(() => this.#answered(bytes));
      // What is answered in this turn is counted among the unread before the next is asked.
      await Promise.race([answered, setImmediate()]);
      await this.#outbox.room();
    }
    this.#isAsking = false;
  }

  #answered(bytes: number): void {
    this.#unanswered -= 1;
    this.#unansweredBytes -= bytes;
    if (this.#ws.isPaused && !this.#asksTooMuch) this.#ws.resume();
  }

  get #asksTooMuch(): boolean {
    const { maxUnanswered, maxUnansweredBytes } = this.#options.limits;
    return this.#unanswered >= maxUnanswered || this.#unansweredBytes >= maxUnansweredBytes;
  }

  #tooSlow(): void {
    this.#cut('tooSlow');
    this.#session.close();
    void this.close(1013, 'too slow: too much is left unread', this.#options.limits.stopWithinMs);
  }

  #cut(reason: CutReason): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#options.cut(reason);
  }

  /**
   * `ws` has told the client already, with the right code. Without one of its codes it is the network that failed. The
   * client may still be sending what it began before it returns the close.
   */
  #failed(error: Error): void {
    const code = 'code' in error ? String(error.code) : '';
    if (!code.startsWith('WS_ERR_')) return;
    const isTooBig = code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' || code === 'WS_ERR_TOO_MANY_BUFFERED_PARTS';
    this.#cut(isTooBig ? 'tooBig' : 'malformed');
    this.#terminator ??= setTimeout(() => this.#ws.terminate(), this.#options.limits.requestWithinMs);
  }

  #closed(): void {
    clearTimeout(this.#terminator);
    this.#requests.length = 0;
    this.#session.close();
    this.#outbox.close();
    this.#options.closed();
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
