import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { ProtocolSession, Send } from '../protocol/index.js';
import type { ServerLimits } from './limits.js';

/** Why a connection ended before its client wanted it to. */
export type CutReason = 'too slow' | 'too big' | 'dead';

export interface ConnectionOptions {
  readonly limits: ServerLimits;
  /** Opens the client's session; frames it sends go to the function given. */
  open(send: Send): ProtocolSession;
  /** Called at most once, when a limit ends the connection. */
  cut(reason: CutReason): void;
  /** Called once, when the connection is gone. */
  closed(): void;
}

/** One WebSocket client: its frames in and out within the limits, its heartbeat, its end. */
export class Connection {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #options: ConnectionOptions;
  readonly #session: ProtocolSession;
  #unanswered = 0;
  #isAlive = true;
  #isCorked = false;
  #isCut = false;
  #terminator: NodeJS.Timeout | undefined;

  constructor(ws: WebSocket, socket: Duplex, options: ConnectionOptions) {
    this.#ws = ws;
    this.#socket = socket;
    this.#options = options;
    this.#session = options.open((frame) => this.#put(frame));
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('pong', () => {
      this.#isAlive = true;
    });
    ws.on('error', (error) => this.#failed(error));
    ws.on('close', () => this.#closed());
  }

  /** Pings, or cuts the connection when the last ping was not answered. One that we do not read cannot answer. */
  ping(): void {
    if (this.#isAlive || this.#ws.isPaused) {
      this.#isAlive = false;
      this.#ws.ping();
      return;
    }
    this.#cut('dead');
    this.#ws.terminate();
  }

  /** Takes leave, and cuts the connection if that is not returned within `withinMs`. */
  close(code: number, reason: string, withinMs: number): void {
    this.#ws.close(code, reason);
    if (this.#ws.isPaused) this.#ws.resume();
    this.#terminator ??= setTimeout(() => this.#ws.terminate(), withinMs);
  }

  get #isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#isAlive = true;
    this.#unanswered += 1;
    if (this.#unanswered >= this.#options.limits.maxUnanswered && this.#isOpen) this.#ws.pause();
    void this.#session.receive(isBinary ? bytesOf(data) : bytesOf(data).toString()).then(() => this.#answered());
  }

  #answered(): void {
    this.#unanswered -= 1;
    if (this.#ws.isPaused && this.#unanswered < this.#options.limits.maxUnanswered) this.#ws.resume();
  }

  #put(frame: string): void {
    if (!this.#isOpen) return;
    if (this.#ws.bufferedAmount > this.#options.limits.maxUnreadBytes) {
      this.#tooSlow();
      return;
    }
    this.#cork();
    this.#ws.send(frame, () => {});
  }

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

  #tooSlow(): void {
    this.#cut('too slow');
    this.#session.close();
    this.close(1013, 'too slow: too much is left unread', this.#options.limits.stopWithinMs);
  }

  #cut(reason: CutReason): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#options.cut(reason);
  }

  /** `ws` has told the client already, with the right code. */
  #failed(error: Error): void {
    if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#cut('too big');
  }

  #closed(): void {
    clearTimeout(this.#terminator);
    this.#session.close();
    this.#options.closed();
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
