import { MsgfloError, messageOf, UnsupportedError } from '../../errors.js';
import type { QueueName } from '../../names.js';
import {
  type Consumer,
  checkPrefetch,
  deadLetterHeaders,
  decodePayload,
  type Handler,
  InHand,
  isReleased,
  RefusedError,
  runHandler,
  type Settlement,
  type SettlingAttempt,
  type Stamps,
  settleReleasing,
  UnroutedError,
} from '../index.js';
import { type Connection, ReleasedError } from './connection.js';
import { headerText, readHeaderText } from './header-text.js';
import { payloadText, type WireDelivery, type WireOutput } from './message-frames.js';

/** What a consumer needs of its client. */
export interface ConsumerHost {
  /** To the connection there is just now; resolves without effect when there is none. */
  tell(head: object): Promise<void>;
  forget(consumer: LogConsumer): void;
  readonly stamps: Stamps;
}

/** Runs a handler over the deliveries of one consumer, and settles each on the connection that it came by. */
export class LogConsumer implements Consumer {
  readonly id: number;
  readonly inqueue: QueueName;
  readonly head: object;
  readonly #handler: Handler;
  readonly #host: ConsumerHost;
  readonly #inHand = new InHand();
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
  take(connection: Connection, delivery: WireDelivery): void {
    if (this.#isPaused) return;
    const { tag, redelivered, body } = delivery;
    const headers = readHeaderText(delivery.headers);
    const work = async (): Promise<void> => {
      const settlement = await runHandler(this.#handler, { data: decodePayload(body), headers, redelivered });
      await this.#settle(connection, tag, { headers, body }, settlement);
    };
    this.#inHand.add(Promise.resolve().then(work));
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

  /** What cannot be written, or is too large, is the handler's failure, as a throw is. */
  async #settle(connection: Connection, tag: number, original: Original, settlement: Settlement): Promise<void> {
    const { verdict, outputs } = settlement;
    let isCarriedOut = false;
    try {
      await this.#request(connection, tag, original, {
        verdict,
        outputs,
        hold: this.#holds && !outputs.some(isReleased),
      });
      isCarriedOut = true;
    } catch (error) {
      isCarriedOut = await this.#settleOtherwise(error, connection, tag, original, settlement);
    } finally {
      settlement.settled?.(isCarriedOut);
    }
  }

  /** After it was refused. Never rejects; true when it was carried out after all. */
  async #settleOtherwise(...[refusal, connection, tag, original, settlement]: Refused): Promise<boolean> {
    const { verdict, outputs } = settlement;
    try {
      if (!isForWantOfTaker(refusal)) throw refusal;
      return await settleReleasing({
        outputs,
        holds: () => this.#holds,
        attempt: (wanted, hold) => this.#attempt(connection, tag, original, { verdict, outputs: wanted, hold }),
      });
    } catch (error) {
      if (error instanceof MsgfloError && !(error instanceof RefusedError)) return false;
      const failure = { verdict: { deadLetter: messageOf(error) }, outputs: [], hold: this.#holds };
      await this.#request(connection, tag, original, failure).catch(() => undefined);
      return false;
    }
  }

  async #attempt(...asked: Asked): Promise<SettlingAttempt> {
    try {
      await this.#request(...asked);
      return 'done';
    } catch (error) {
      if (error instanceof ReleasedError) return 'again';
      if (error instanceof UnroutedError) return { unrouted: error.queue };
      throw error;
    }
  }

  /** Rejects with ConnectionLostError when the delivery will come again, by another connection. */
  async #request(connection: Connection, tag: number, original: Original, settlement: Asked[3]): Promise<void> {
    const { verdict, outputs, hold } = settlement;
    const encoded: WireOutput[] = [];
    for (const { outqueue, data, headers, mandatory = false, release } of outputs) {
      if (release && !this.#heeded.has(release.signal)) this.#heed(release.signal);
      encoded.push({
        name: outqueue,
        mandatory,
        headers: headerText(headers, this.#host.stamps),
        body: payloadText(data),
      });
    }
    const told = { consumer: this.id, tag, hold, outputs: encoded };
    if (typeof verdict === 'string') {
      await connection.settle({ ...told, verdict });
      return;
    }
    const headers = JSON.stringify(deadLetterHeaders(this.inqueue, original.headers, verdict));
    await connection.settle({ ...told, verdict: 'dead-letter', dead: { headers, body: original.body } });
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

type Refused = readonly [
  refusal: unknown,
  connection: Connection,
  tag: number,
  original: Original,
  settlement: Settlement,
];

type Asked = readonly [
  connection: Connection,
  tag: number,
  original: Original,
  settlement: Settlement & { readonly hold: boolean },
];

interface Original {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
