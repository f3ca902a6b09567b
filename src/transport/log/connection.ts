import { MsgfloError } from '../../errors.js';
import { MAX_FRAME_BYTES, tlsReason, WireError } from '../../log/wire/index.js';
import { asQueueName } from '../../names.js';
import {
  type Capabilities,
  type ClientOptions,
  NotConnectedError,
  QueueMismatchError,
  QueueNotFoundError,
  RefusedError,
  UnroutedError,
} from '../index.js';
import type { ByteReader } from './byte-reader.js';
import { type Endpoint, openSocket } from './endpoint.js';
import type { Fields } from './fields.js';
import { FrameSocket } from './frame-socket.js';
import {
  MESSAGE,
  ReadDelivery,
  sendBytes,
  settlementBytes,
  type WireSend,
  type WireSettlement,
  writeSend,
  writeSettlement,
} from './message-frames.js';

/** The version of the protocol, said in `hello`. */
export const WIRE_VERSION = 4;

/** What a settlement may have: a node keeps something of a frame for itself. */
const MAX_SETTLEMENT_BYTES = MAX_FRAME_BYTES - 1.5 * 1024 * 1024;
/** What is sent may become a dead letter, with more headers. */
const MAX_MESSAGE_BYTES = MAX_FRAME_BYTES - 2 * 1024 * 1024;
/** Numbers of requests begin anew there. */
const MAX_REQUESTS = 2 ** 32;

/** The connection ended before the answer came; whether it was carried out is not known. */
export class ConnectionLostError extends MsgfloError {
  readonly code = 'MSGFLO_CONNECTION_LOST';
  override readonly retryable = true;
}

/** A settlement waited for a taker and was withdrawn by `release`; nothing of it was carried out. */
export class ReleasedError extends MsgfloError {
  readonly code = 'MSGFLO_RELEASED';
  override readonly retryable = true;
}

/** What the broker sends without being asked. */
export interface Events {
  onDelivery(delivery: ReadDelivery): void;
  onTapped(fields: Fields, body: Buffer): void;
  onNotice(fields: Fields, body: Buffer): void;
  /** Once, after `open` has resolved. */
  onLost(reason: Error): void;
}

/** What not every node can. */
export type Abilities = Pick<Capabilities, 'persistent' | 'replay'>;

/** What the broker answers with where there is more to say than that it was done. */
export interface Answer {
  readonly fields: Fields;
  readonly body: Buffer;
}

interface Waiting {
  resolve(answer: Answer | undefined): void;
  reject(reason: Error): void;
}

/** One connection to a node: requests and their answers. It ends once and is then done with. */
export class Connection {
  readonly #waiting = new Map<number, Waiting>();
  readonly #events: Events;
  readonly #frames: FrameSocket;
  #requests = 0;
  #isOpen = true;
  #abilities: Abilities = { persistent: true, replay: true };

  private constructor(endpoint: Endpoint, events: Events) {
    this.#events = events;
    const socket = openSocket(endpoint);
    this.#frames = new FrameSocket(socket, {
      onRequest: (fields, body) => this.#take(fields, body),
      onMessage: (what, reader) => this.#takeMessage(what, reader),
      onEnd: (reason) => this.#lose(reason ?? new Error('the broker closed the connection')),
    });
  }

  /** Connects and says hello. @throws {RefusedError} when the broker does not want us; otherwise what the socket said. */
  static async open(
    endpoint: Endpoint,
    options: ClientOptions,
    events: Events,
    signal: AbortSignal,
  ): Promise<Connection> {
    const connection = new Connection(endpoint, events);
    const giveUp = (): void => connection.destroy();
    signal.addEventListener('abort', giveUp);
    try {
      signal.throwIfAborted();
      const { id, lastWords } = options;
      const head = {
        op: 'hello',
        version: WIRE_VERSION,
        id,
        ...(endpoint.token === undefined ? {} : { token: endpoint.token }),
        ...(lastWords ? { lastWords: { name: lastWords.name, retain: lastWords.retain === true } } : {}),
      };
      const welcome = await connection.request(head, ...(lastWords ? [lastWords.body] : []));
      if (welcome) connection.#abilities = readAbilities(welcome.fields);
      return connection;
    } catch (error) {
      connection.destroy();
      signal.throwIfAborted();
      throw error instanceof ConnectionLostError ? reasonOf(error, endpoint) : error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** What the node said of itself. */
  get abilities(): Abilities {
    return this.#abilities;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves with the answer if there is more to it than `ok`. @throws {ConnectionLostError}, or what the broker refused with */
  request(head: object, ...bodies: readonly Buffer[]): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
      const re = this.#begin(bytes, MAX_MESSAGE_BYTES, resolve, reject);
      if (re !== undefined) this.#frames.send({ re, ...head }, ...bodies);
    });
  }

  /** As `request`, of a message. */
  send(message: WireSend): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const bytes = sendBytes(message);
      const re = this.#begin(bytes, MAX_MESSAGE_BYTES, resolve, reject);
      if (re !== undefined) writeSend(this.#frames, re, message, bytes);
    });
  }

  /** As `request`, of a settlement. */
  settle(settlement: WireSettlement): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const bytes = settlementBytes(settlement);
      const re = this.#begin(bytes, MAX_SETTLEMENT_BYTES, resolve, reject);
      if (re !== undefined) writeSettlement(this.#frames, re, settlement, bytes);
    });
  }

  /** The number of a request that is about to be written; undefined when it cannot be, and was rejected. */
  #begin(bytes: number, mostBytes: number, resolve: Waiting['resolve'], reject: Waiting['reject']): number | undefined {
    if (!this.#isOpen) reject(new ConnectionLostError('the connection has ended'));
    else if (bytes > mostBytes)
      reject(new RefusedError(`a message, or a result, may have ${MAX_MESSAGE_BYTES} bytes at most`));
    else {
      this.#requests = (this.#requests + 1) % MAX_REQUESTS;
      this.#waiting.set(this.#requests, { resolve, reject });
      return this.#requests;
    }
    return undefined;
  }

  end(): void {
    this.#frames.end();
  }

  destroy(): void {
    this.#frames.destroy();
  }

  #take(fields: Fields, body: Buffer): void {
    const op = fields.oneOf('op', ['answer', 'refused', 'tapped', 'notice']);
    if (op === 'tapped') this.#events.onTapped(fields, body);
    else if (op === 'notice') this.#events.onNotice(fields, body);
    else if (op === 'answer') this.#settled(fields.count('re'))?.resolve({ fields, body });
    else this.#settled(fields.count('re'))?.reject(readRefusal(fields));
  }

  #takeMessage(what: number, reader: ByteReader): void {
    if (what === MESSAGE.deliver) this.#events.onDelivery(new ReadDelivery(reader));
    else if (what === MESSAGE.done) while (!reader.isAtEnd) this.#settled(reader.u32())?.resolve(undefined);
    else throw new WireError(`there is no message ${what}`);
  }

  #settled(re: number): Waiting | undefined {
    const waiting = this.#waiting.get(re);
    this.#waiting.delete(re);
    return waiting;
  }

  #lose(reason: Error): void {
    this.#isOpen = false;
    const lost = new ConnectionLostError(`the connection was lost: ${reason.message}`, { cause: reason });
    for (const { reject } of this.#waiting.values()) reject(lost);
    this.#waiting.clear();
    this.#events.onLost(reason);
  }
}

/** Why it was over before the node had answered. One that refuses a certificate may do so without a word. */
function reasonOf({ cause }: ConnectionLostError, { tls }: Endpoint): unknown {
  if (!tls) return cause;
  const hasError = cause instanceof Error && 'code' in cause;
  const why = hasError ? tlsReason(cause) : 'it closed the connection at once, and may not accept our certificate';
  return why === undefined ? cause : new Error(why, { cause });
}

function readAbilities(fields: Fields): Abilities {
  return { persistent: fields.flag('persistent'), replay: fields.flag('replay') };
}

function readRefusal(fields: Fields): Error {
  const text = fields.text('text');
  switch (fields.oneOf('why', ['not-found', 'mismatch', 'unrouted', 'released', 'gone', 'refused'])) {
    case 'not-found':
      return new QueueNotFoundError(asQueueName(fields.text('queue')));
    case 'mismatch':
      return new QueueMismatchError(asQueueName(fields.text('queue')), text);
    case 'unrouted':
      return new UnroutedError(asQueueName(fields.text('queue')));
    case 'released':
      return new ReleasedError(text);
    case 'gone':
      return new NotConnectedError(text);
    case 'refused':
      return new RefusedError(text);
  }
}
