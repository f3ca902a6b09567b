import { MsgfloError, messageOf, UnsupportedError } from '../../errors.js';
import type { QueueName } from '../../names.js';
import {
  type Consumer,
  checkPrefetch,
  deadLetterHeaders,
  decodePart,
  type Handler,
  InHand,
  isReleased,
  type Output,
  RefusedError,
  runHandler,
  type Settlement,
  type SettlingAttempt,
  settleReleasing,
  UnroutedError,
} from '../index.js';
import { type Connection, ReleasedError } from './connection.js';
import { HeaderReader, type HeaderWriter } from './header-text.js';
import { payloadText, type ReadDelivery, type WireOutput, type WireSettlement } from './message-frames.js';

const NO_OUTPUTS: readonly Output[] = [];
const NO_WIRE_OUTPUTS: readonly WireOutput[] = [];

/** What a consumer needs of its client. */
export interface ConsumerHost {
  /** To the connection there is just now; resolves without effect when there is none. */
  tell(head: object): Promise<void>;
  forget(consumer: LogConsumer): void;
  readonly headers: HeaderWriter;
}

/** Runs a handler over the deliveries of one consumer, and settles each on the connection that it came by. */
export class LogConsumer implements Consumer {
  readonly id: number;
  readonly inqueue: QueueName;
  readonly head: object;
  readonly #handler: Handler;
  readonly #host: ConsumerHost;
  readonly #inHand = new InHand();
  readonly #headers = new HeaderReader();
  readonly #heeded = new WeakSet<AbortSignal>();
  #isPaused = false;
  #holds = true;

  /** @throws {RangeError} for a prefetch that is none */
  constructor(id: number, inqueue: QueueName, prefetch: number, handler: Handler, host: ConsumerHost) {
    checkPrefetch(prefetch);
    this.id = id;
    this.inqueue = inqueue;
    this.head = { op: 'consume', consumer: id, inqueue, prefetch };
    this.#handler = handler;
    this.#host = host;
  }

  /** What comes while pausing is not begun; the broker gives it back at the end. */
  take(connection: Connection, delivery: ReadDelivery): void {
    if (this.#isPaused) return;
    const { bytes, headersAt, headersEnd } = delivery;
    const headers = this.#headers.read(bytes, headersAt, headersEnd);
    this.#inHand.begin();
    void this.#work(connection, delivery, headers);
  }

  /** What cannot be written, or is too large, is the handler's failure, as a throw is. Never rejects. */
  async #work(connection: Connection, delivery: ReadDelivery, headers: Headers): Promise<void> {
    const { bytes, bodyAt, bodyEnd, redelivered } = delivery;
    const data = decodePart(bytes, bodyAt, bodyEnd);
    const settlement = await runHandler(this.#handler, { data, headers, redelivered });
    const original = { connection, delivery, headers };
    let isCarriedOut = false;
    try {
      const { verdict, outputs } = settlement;
      const hold = this.#holds && !outputs.some(isReleased);
      await connection.settle(this.#told(original, verdict, outputs, hold));
      isCarriedOut = true;
    } catch (error) {
      isCarriedOut = await this.#settleOtherwise(error, original, settlement);
    } finally {
      settlement.settled?.(isCarriedOut);
      this.#inHand.end();
    }
  }

  async listenTo(): Promise<void> {
    throw new UnsupportedError('listenTo: this broker binds; use bind()');
  }

  async cancel(): Promise<void> {
    await this.#pause();
    await this.#inHand.idle();
    this.#host.forget(this);
    await this.#host.tell({ op: 'end', consumer: this.id });
  }

  /** As `cancel`, but gives back at once what waits for a taker, and after `graceMs` what is still in hand. */
  async close(graceMs: number): Promise<void> {
    this.#holds = false;
    await this.#pause();
    await this.#inHand.idle(graceMs);
    this.#host.forget(this);
  }

  #pause(): Promise<void> {
    this.#isPaused = true;
    return this.#host.tell({ op: 'pause', consumer: this.id, holds: this.#holds });
  }

  /** After it was refused. Never rejects; true when it was carried out after all. */
  async #settleOtherwise(refusal: unknown, original: Original, settlement: Settlement): Promise<boolean> {
    const { verdict, outputs } = settlement;
    try {
      if (!isForWantOfTaker(refusal)) throw refusal;
      return await settleReleasing({
        outputs,
        holds: () => this.#holds,
        attempt: (wanted, hold) => this.#attempt(original, verdict, wanted, hold),
      });
    } catch (error) {
      if (error instanceof MsgfloError && !(error instanceof RefusedError)) return false;
      const failure = this.#told(original, { deadLetter: messageOf(error) }, NO_OUTPUTS, this.#holds);
      await original.connection.settle(failure).catch(() => undefined);
      return false;
    }
  }

  async #attempt(...[original, verdict, outputs, hold]: Asked): Promise<SettlingAttempt> {
    try {
      await original.connection.settle(this.#told(original, verdict, outputs, hold));
      return 'done';
    } catch (error) {
      if (error instanceof ReleasedError) return 'again';
      if (error instanceof UnroutedError) return { unrouted: error.queue };
      throw error;
    }
  }

  /** A settlement as the connection takes it. @throws {TypeError} for what is no header, or cannot be JSON */
  #told(...[{ delivery, headers }, verdict, outputs, hold]: Asked): WireSettlement {
    const encoded = outputs.length === 0 ? NO_WIRE_OUTPUTS : outputs.map((output) => this.#encoded(output));
    const { consumer, tag } = delivery;
    if (typeof verdict === 'string') return { consumer, tag, verdict, hold, outputs: encoded, dead: undefined };
    const dead = {
      headers: JSON.stringify(deadLetterHeaders(this.inqueue, headers, verdict)),
      body: delivery.body,
    };
    return { consumer, tag, verdict: 'dead-letter', hold, outputs: encoded, dead };
  }

  #encoded({ outqueue, data, headers, mandatory = false, release }: Output): WireOutput {
    if (release && !this.#heeded.has(release.signal)) this.#heed(release.signal);
    return { name: outqueue, mandatory, headers: this.#host.headers.text(headers), body: payloadText(data) };
  }

  /** Has the broker give back what waits for a taker when outputs are released, so that it can be settled without. */
  #heed(signal: AbortSignal): void {
    this.#heeded.add(signal);
    signal.addEventListener('abort', () => void this.#host.tell({ op: 'release', consumer: this.id }), { once: true });
  }
}

function isForWantOfTaker(error: unknown): boolean {
  return error instanceof ReleasedError || error instanceof UnroutedError;
}

type Headers = Readonly<Record<string, string>>;

/** A delivery, and the connection that it came by. */
interface Original {
  readonly connection: Connection;
  readonly delivery: ReadDelivery;
  readonly headers: Headers;
}

type Asked = readonly [
  original: Original,
  verdict: Settlement['verdict'],
  outputs: Settlement['outputs'],
  hold: boolean,
];
