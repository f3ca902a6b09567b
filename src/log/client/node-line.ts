import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Backoff } from '../../support/index.js';
import { helloFrame } from '../server/first-words.js';
import {
  FrameStream,
  MAX_FRAME_BYTES,
  type Reply,
  type Requests,
  type RequestType,
  readReply,
  type TlsTexts,
  tlsReason,
} from '../wire/index.js';
import { LogCallError } from './errors.js';
import type { NodePlace } from './node-place.js';

const RECONNECT_MIN_MS = 10;
const RECONNECT_MAX_MS = 1000;
/** A node that crashed is back by then, or does not come back soon. */
const AWAY_LIMIT_MS = 10_000;
const LEAVE_MS = 5000;
const MAX_DATA_BYTES = MAX_FRAME_BYTES - 200;
/** A shorter text cannot be too large: a character takes three bytes at most. */
const MAX_TEXT_CHARS = MAX_DATA_BYTES / 3;

export interface LineOptions {
  /** Asked before each connection. What it throws is tried again. */
  readonly locate: () => NodePlace;
  readonly tls: TlsTexts | undefined;
  /** For the first connection. */
  readonly timeoutMs: number;
}

interface Call {
  readonly type: RequestType;
  /** Taken when the call was made: the caller may change its objects afterwards. */
  readonly json: string;
  readonly isPatient: boolean;
  /** Lists of the replies that came before the last one. */
  pages: unknown[] | undefined;
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The client's end of a connection to a node. When it is lost, calls in hand fail with `connection_lost`, for what became
 * of them is unknown; it connects again by itself, and calls made meanwhile wait for that, at most 10 s.
 */
export class NodeLine {
  readonly #options: LineOptions;
  readonly #backoff = new Backoff(RECONNECT_MIN_MS, RECONNECT_MAX_MS);
  readonly #pending = new Map<string, Call>();
  /** Calls made while the node is away. */
  readonly #waiting = new Set<() => void>();
  #socket: Socket | undefined;
  #stream: FrameStream | undefined;
  #lastKey = 0;
  #retry: NodeJS.Timeout | undefined;
  #lastError: Error | undefined;
  #closed = false;
  #onReply: () => void = () => undefined;

  private constructor(options: LineOptions) {
    this.#options = options;
  }

  /** Tries until the node answers. @throws {LogCallError} `connection timed-out` */
  static async open(options: LineOptions): Promise<NodeLine> {
    const line = new NodeLine(options);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const cause = line.#lastError;
        reject(new LogCallError('connection timed-out', cause?.message, { cause }));
      }, options.timeoutMs);
    });
    try {
      line.#connect();
      await Promise.race([line.#greet(), late]);
      return line;
    } catch (error) {
      await line.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves with the data of the reply. @throws {LogCallError} with the code of the node, or of the connection */
  call<T extends RequestType>(type: T, data: Requests[T]): Promise<unknown> {
    return this.#ask(type, data, false);
  }

  /** As `call`, for what is answered when something happens: nobody who leaves waits for that. */
  await<T extends RequestType>(type: T, data: Requests[T]): Promise<unknown> {
    return this.#ask(type, data, true);
  }

  /** Says goodbye when all calls in hand are answered, and leaves; at most 5 s later. */
  async leave(): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#onReply();
    }, LEAVE_MS);
    const isInHand = (): boolean => [...this.#pending.values()].some(({ isPatient }) => !isPatient);
    const answered = async (): Promise<void> => {
      while (!isLate && isInHand())
        await new Promise<void>((resolve) => {
          this.#onReply = resolve;
        });
    };
    await answered();
    if (this.#stream) {
      this.call('leave', {}).catch(() => undefined); // the node is away: nothing is held there
      await answered();
    }
    clearTimeout(timer);
    await this.close();
  }

  /** Fails what is in hand and leaves. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const goOn of [...this.#waiting]) goOn();
    const socket = this.#socket;
    if (!socket || socket.closed) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    if (this.#stream) this.#stream.end();
    else socket.destroy();
    await closed;
  }

  /** A connection is good when something came over it: with TLS, a refusal comes after the handshake. */
  async #greet(): Promise<void> {
    for (;;) {
      try {
        await this.call('ping', {});
        return;
      } catch (error) {
        if (this.#closed || !(error instanceof LogCallError) || error.code !== 'connection_lost') throw error;
      }
    }
  }

  #ask(type: RequestType, data: object, isPatient: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call: Call = { type, json: JSON.stringify(data), isPatient, pages: undefined, resolve, reject };
      const isTooLarge = call.json.length > MAX_TEXT_CHARS && Buffer.byteLength(call.json) > MAX_DATA_BYTES;
      if (this.#closed) reject(new LogCallError('no_active_node'));
      else if (isTooLarge) reject(new LogCallError('message_too_large'));
      else if (this.#stream) this.#send(this.#stream, call);
      else this.#wait(call);
    });
  }

  #send(stream: FrameStream, call: Call): void {
    this.#lastKey += 1;
    const msgKey = this.#lastKey.toString(36);
    stream.send(`{"type":"${call.type}","msgKey":"${msgKey}","data":${call.json}}`);
    this.#pending.set(msgKey, call);
  }

  #wait(call: Call): void {
    const goOn = (): void => {
      clearTimeout(timer);
      this.#waiting.delete(goOn);
      if (this.#closed) call.reject(new LogCallError('no_active_node'));
      else if (this.#stream) this.#send(this.#stream, call);
      else call.reject(new LogCallError('connection timed-out', this.#lastError?.message, { cause: this.#lastError }));
    };
    const timer = setTimeout(goOn, AWAY_LIMIT_MS);
    this.#waiting.add(goOn);
  }

  #connect(): void {
    const { tls } = this.#options;
    const place = this.#place();
    if (!place) return;
    const { address, token } = place;
    const target = address.kind === 'ipc' ? { path: address.path } : { host: address.host, port: address.port };
    const socket = tls ? connectTls({ ...target, ...tls, minVersion: 'TLSv1.2' }) : connect(target);
    this.#socket = socket;
    socket.setNoDelay(true);
    const stream = new FrameStream(socket, {
      onFrame: (body) => {
        this.#backoff.reset();
        this.#take(readReply(body));
      },
      onEnd: (reason) => {
        const why = tls && tlsReason(reason);
        this.#lost(why === undefined ? reason : new Error(why, { cause: reason }));
      },
    });
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      if (this.#closed) return;
      this.#stream = stream;
      if (token !== undefined) stream.send(helloFrame(token));
      stream.send('{"type":"ping","msgKey":"0"}'); // who says nothing for 10 s is cut off
      for (const goOn of [...this.#waiting]) goOn();
    });
  }

  /** Undefined where nobody knows; it is tried again. */
  #place(): NodePlace | undefined {
    try {
      return this.#options.locate();
    } catch (error) {
      this.#lost(error instanceof Error ? error : new LogCallError('no_active_node', String(error)));
      return undefined;
    }
  }

  #take(reply: Reply): void {
    const { msgKey, data, more, errStatus, detail } = reply;
    const call = this.#pending.get(msgKey);
    if (!call) return;
    if (more) {
      call.pages ??= [];
      call.pages.push(data);
      return;
    }
    this.#pending.delete(msgKey);
    if (errStatus !== undefined) call.reject(new LogCallError(errStatus, detail));
    else call.resolve(call.pages ? call.pages.concat([data]).flat() : data);
    this.#onReply();
  }

  #lost(reason: Error | undefined): void {
    this.#stream = undefined;
    this.#lastError = reason ?? this.#lastError;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    const code = this.#closed ? 'no_active_node' : 'connection_lost';
    for (const { reject } of lost) reject(new LogCallError(code, reason?.message, { cause: reason }));
    this.#onReply();
    if (!this.#closed) this.#retry = setTimeout(() => this.#connect(), this.#backoff.nextMs());
  }
}
