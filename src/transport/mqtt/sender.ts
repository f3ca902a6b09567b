import { createHash, randomUUID } from 'node:crypto';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import {
  checkHeaders,
  type DeadLetter,
  deadLetterHeaders,
  deadLetterQueue,
  encodePayload,
  HEADER,
  identityOf,
  isUnsendable,
  type Message,
  RefusedError,
  Stamps,
  stamped,
  UnroutedError,
} from '../index.js';
import { withCredit } from './credit.js';
import type { Flow } from './flow.js';
import type { Flows } from './flows.js';
import type { Fate } from './outbox.js';
import type { Outlet } from './outlet.js';
import { EMPTY_HEADER, REDELIVERED_HEADER, withoutOurs } from './own-headers.js';
import type { Incoming } from './session.js';
import { heldDeadLetterTopic, topicOf } from './topics.js';

/** The PUBACK's reason when nobody is subscribed to the topic. */
export const NO_SUBSCRIBERS = 16;
/** How long the broker keeps a dead letter for who comes to look, where it can forget. */
const DEAD_LETTER_KEPT_SECONDS = 7 * 24 * 3600;

/** A longer id is hashed where it becomes part of a topic. */
const MAX_ID_CHARS = 200;
/** An empty retained message would be none. */
const NOT_EMPTY = Buffer.from(' ');

type Headers = Readonly<Record<string, string>>;

/** What becomes of a message without a number. */
class Unnumbered implements Fate {
  readonly queue: QueueName;
  readonly #mandatory: boolean;

  constructor(queue: QueueName, mandatory: boolean) {
    this.queue = queue;
    this.#mandatory = mandatory;
  }

  /** @throws {UnroutedError} */
  taken(reason: number): void {
    if (this.#mandatory && reason === NO_SUBSCRIBERS) throw new UnroutedError(this.queue);
  }

  lost(): void {}
}

/** What becomes of a message that has a number in a flow. */
class InFlow extends Unnumbered {
  readonly flow: Flow;
  readonly number: number;

  constructor(queue: QueueName, mandatory: boolean, flow: Flow, number: number) {
    super(queue, mandatory);
    this.flow = flow;
    this.number = number;
  }

  override taken(reason: number): void {
    if (reason === NO_SUBSCRIBERS) this.flow.dropped(this.number);
    else this.flow.confirmed(this.number);
    super.taken(reason);
  }

  override lost(): void {
    this.flow.dropped(this.number);
  }
}

/** Messages, dead letters and what is given back, as publications. */
export class Sender {
  readonly #outlet: Outlet;
  readonly #flows: Flows;
  readonly #stamps = new Stamps();
  readonly #log: Logger;

  constructor(outlet: Outlet, flows: Flows, log: Logger) {
    this.#outlet = outlet;
    this.#flows = flows;
    this.#log = log;
  }

  /** Resolves when the broker has it. @throws {UnroutedError} if `mandatory` and nobody is subscribed. @throws {RefusedError} */
  send(queue: QueueName, message: Message, mandatory: boolean): Promise<void> {
    try {
      const flow = this.#flows.of(queue);
      return flow ? this.#sendIn(flow, queue, message, mandatory) : this.#sendNow(queue, message, mandatory);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #sendNow(queue: QueueName, message: Message, mandatory: boolean): Promise<void> {
    const headers = this.#outlet.protocol === 5 ? this.#stamped(message.headers) : {};
    const publication = { topic: topicOf(queue), payload: encodePayload(message.data), headers };
    return this.#outlet.post(publication, new Unnumbered(queue, mandatory));
  }

  /** With an id that tells the time of creation, unless one of the two is given. @throws {TypeError} for a value that is no text */
  #stamped(headers: Headers = {}): Headers {
    if (headers[HEADER.messageId] !== undefined || headers[HEADER.createdAt] !== undefined) return stamped(headers);
    checkHeaders(headers);
    return { ...headers, [HEADER.messageId]: this.#stamps.messageId() };
  }

  /** The same when the flow has room for one more. @throws {NotConnectedError} when the client closes before */
  #sendIn(flow: Flow, queue: QueueName, message: Message, mandatory: boolean): Promise<void> {
    checkHeaders(message.headers);
    const payload = encodePayload(message.data);
    this.#flows.keepUp();
    const taken = flow.take();
    const { headers } = message;
    if (typeof taken === 'number') return this.#post(new InFlow(queue, mandatory, flow, taken), payload, headers);
    return taken.then((number) => this.#post(new InFlow(queue, mandatory, flow, number), payload, headers));
  }

  #post(one: InFlow, payload: Buffer, headers: Message['headers']): Promise<void> {
    const { queue, flow, number } = one;
    return this.#outlet.post({ topic: topicOf(queue), payload, headers: withCredit(headers, flow.idOf(number)) }, one);
  }

  /** A dead letter that is sent as such, of what came through no inqueue (an IIP): kept as any other. */
  async sendLetter(inqueue: QueueName, { data, headers }: Message): Promise<void> {
    const all = stamped(headers);
    const payload = encodePayload(data);
    await this.#sendDead(inqueue, letterKey(all, payload), payload, all);
  }

  /**
   * To those who listen to the dead letters of the inqueue, and kept for those who come later; both confirmed. If the
   * broker does not take all headers of the original with it, of these only those by which it is told from others.
   * @throws {RefusedError} when it does not take that either
   */
  async sendDeadLetter(inqueue: QueueName, { payload, headers }: Incoming, verdict: DeadLetter): Promise<void> {
    const original = stamped(withoutOurs(headers));
    const all = deadLetterHeaders(inqueue, original, verdict);
    if (this.#outlet.protocol === 4) this.#log.warn(`dead letter of '${inqueue}': ${all[HEADER.deadReason]}`);
    const key = letterKey(original, payload);
    try {
      await this.#sendDead(inqueue, key, payload, all);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      await this.#sendDead(inqueue, key, payload, deadLetterHeaders(inqueue, identityOf(original), verdict));
    }
  }

  async #sendDead(inqueue: QueueName, key: string, payload: Buffer, headers: Headers): Promise<void> {
    const keptAt = heldDeadLetterTopic(inqueue, key);
    const expirySeconds = DEAD_LETTER_KEPT_SECONDS;
    await Promise.all([
      this.#outlet.publish({ topic: topicOf(deadLetterQueue(inqueue)), payload, headers }),
      this.#outlet.publish({ topic: keptAt, ...keepable(payload, headers), retain: true, expirySeconds }),
    ]);
  }

  /** Hands a message to the others who share the inqueue. Resolves with false when the broker says there are none. */
  giveBack(inqueue: QueueName, message: Incoming): Promise<boolean> {
    return giveBack(this.#outlet, inqueue, message);
  }
}

function keepable(payload: Buffer, headers: Headers): { readonly payload: Buffer; readonly headers: Headers } {
  if (payload.length > 0) return { payload, headers };
  return { payload: NOT_EMPTY, headers: { ...headers, [EMPTY_HEADER]: '1' } };
}

/** As `Sender.giveBack`. */
export async function giveBack(outlet: Outlet, inqueue: QueueName, { payload, headers }: Incoming): Promise<boolean> {
  const again = { ...headers, [REDELIVERED_HEADER]: '1' };
  const reason = await outlet.publish({ topic: topicOf(inqueue), payload, headers: again });
  return reason !== NO_SUBSCRIBERS;
}

/**
 * The same for the same death, however often it is told; one who was sent back and dies again has another, and so has
 * another message of the same id: authors pass headers on. It is the last part of a topic.
 */
function letterKey(headers: Headers, payload: Buffer): string {
  const id = headers[HEADER.messageId] || randomUUID();
  const isFine = id.length <= MAX_ID_CHARS && !id.includes('/') && !isUnsendable(id);
  const redriven = headers[HEADER.redriven];
  const times = redriven === undefined ? '' : `.${redriven.slice(0, MAX_ID_CHARS)}`;
  return `${isFine ? id : hashOf(id)}${times}-${hashOf(payload).slice(0, 8)}`;
}

const hashOf = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
