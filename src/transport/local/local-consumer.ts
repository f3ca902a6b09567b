import { MsgfloError, messageOf, UnsupportedError } from '../../errors.js';
import type { QueueName } from '../../names.js';
import {
  type Consumer,
  checkPrefetch,
  deadLetterHeaders,
  decodePayload,
  encodePayload,
  type Handler,
  InHand,
  RefusedError,
  runHandler,
  type Settlement,
  withMessageId,
} from '../index.js';
import type { Connection } from './connection.js';
import type { Fields } from './fields.js';

/** What a consumer needs of its client. */
export interface ConsumerHost {
  /** To the connection there is just now; resolves without effect when there is none. */
  tell(head: object): Promise<void>;
  forget(consumer: LocalConsumer): void;
}

/** Runs a handler over the deliveries of one consumer, and settles each on the connection that it came by. */
export class LocalConsumer implements Consumer {
  readonly id: number;
  readonly inqueue: QueueName;
  readonly head: object;
  readonly #handler: Handler;
  readonly #host: ConsumerHost;
  readonly #inHand = new InHand();
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
  take(connection: Connection, fields: Fields, body: Buffer): void {
    if (this.#isPaused) return;
    const [tag, headers, redelivered] = [fields.count('tag'), fields.texts('headers'), fields.flag('redelivered')];
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
    try {
      await this.#request(connection, tag, original, settlement);
    } catch (error) {
      if (error instanceof MsgfloError && !(error instanceof RefusedError)) return;
      const failure: Settlement = { verdict: { deadLetter: messageOf(error) }, outputs: [] };
      await this.#request(connection, tag, original, failure).catch(() => undefined);
    }
  }

  /** Rejects with ConnectionLostError when the delivery will come again, by another connection. */
  async #request(connection: Connection, tag: number, original: Original, settlement: Settlement): Promise<void> {
    const { verdict, outputs } = settlement;
    const encoded = outputs.map(({ outqueue, data, headers, mandatory = false }) => {
      const body = encodePayload(data);
      return { head: { name: outqueue, headers: withMessageId(headers), mandatory, bytes: body.length }, body };
    });
    const isDead = typeof verdict !== 'string';
    const head = {
      op: 'settle',
      consumer: this.id,
      tag,
      hold: this.#holds,
      outputs: encoded.map((output) => output.head),
      verdict: isDead ? 'dead-letter' : verdict,
      ...(isDead ? { dead: deadLetterHeaders(this.inqueue, original.headers, verdict) } : {}),
    };
    const bodies = encoded.map((output) => output.body);
    await connection.request(head, ...bodies, ...(isDead ? [original.body] : []));
  }
}

interface Original {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
