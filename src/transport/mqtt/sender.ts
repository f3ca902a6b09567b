import { randomUUID } from 'node:crypto';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import {
  checkHeaders,
  type DeadLetter,
  deadLetterHeaders,
  deadLetterQueue,
  encodePayload,
  HEADER,
  type Message,
  stamped,
  UnroutedError,
} from '../index.js';
import { withCredit } from './credit.js';
import type { Flow } from './flow.js';
import type { Flows } from './flows.js';
import type { Outlet } from './outlet.js';
import { REDELIVERED_HEADER, withoutOurs } from './own-headers.js';
import type { Incoming } from './session.js';
import { heldDeadLetterTopic, topicOf } from './topics.js';

/** The PUBACK's reason when nobody is subscribed to the topic. */
export const NO_SUBSCRIBERS = 16;
/** How long the broker keeps a dead letter for who comes to look, where it can forget. */
const DEAD_LETTER_KEPT_SECONDS = 7 * 24 * 3600;

/** Messages, dead letters and what is given back, as publications. */
export class Sender {
  readonly #outlet: Outlet;
  readonly #flows: Flows;
  readonly #log: Logger;

  constructor(outlet: Outlet, flows: Flows, log: Logger) {
    this.#outlet = outlet;
    this.#flows = flows;
    this.#log = log;
  }

  /** Resolves when the broker has it. @throws {UnroutedError} if `mandatory` and nobody is subscribed. @throws {RefusedError} */
  send(queue: QueueName, message: Message, mandatory: boolean): Promise<void> {
    const flow = this.#flows.of(queue);
    return flow ? this.#sendIn(flow, queue, message, mandatory) : this.#sendNow(queue, message, mandatory);
  }

  async #sendNow(queue: QueueName, message: Message, mandatory: boolean): Promise<void> {
    const headers = this.#outlet.protocol === 5 ? stamped(message.headers) : {};
    const reason = await this.#outlet.publish({ topic: topicOf(queue), payload: encodePayload(message.data), headers });
    if (mandatory && reason === NO_SUBSCRIBERS) throw new UnroutedError(queue);
  }

  /** The same when the flow has room for one more. @throws {NotConnectedError} when the client closes before */
  async #sendIn(flow: Flow, queue: QueueName, message: Message, mandatory: boolean): Promise<void> {
    checkHeaders(message.headers);
    const payload = encodePayload(message.data);
    this.#flows.keepUp();
    const taken = flow.take();
    const number = typeof taken === 'number' ? taken : await taken;
    const headers = withCredit(message.headers, flow.token, number);
    let reason = NO_SUBSCRIBERS;
    try {
      reason = await this.#outlet.publish({ topic: topicOf(queue), payload, headers });
    } finally {
      if (reason === NO_SUBSCRIBERS) flow.dropped(number);
      else flow.confirmed(number);
    }
    if (mandatory && reason === NO_SUBSCRIBERS) throw new UnroutedError(queue);
  }

  /** To those who listen to the dead letters of the inqueue, and kept for those who come later; both confirmed. */
  async sendDeadLetter(inqueue: QueueName, { payload, headers }: Incoming, verdict: DeadLetter): Promise<void> {
    const all = deadLetterHeaders(inqueue, stamped(withoutOurs(headers)), verdict);
    const keptAt = heldDeadLetterTopic(inqueue, letterKey(all));
    if (this.#outlet.protocol === 4) this.#log.warn(`dead letter of '${inqueue}': ${all[HEADER.deadReason]}`);
    const expirySeconds = DEAD_LETTER_KEPT_SECONDS;
    await Promise.all([
      this.#outlet.publish({ topic: topicOf(deadLetterQueue(inqueue)), payload, headers: all }),
      this.#outlet.publish({ topic: keptAt, payload, headers: all, retain: true, expirySeconds }),
    ]);
  }

  /** Hands a message to the others who share the inqueue. Resolves with false when the broker says there are none. */
  giveBack(inqueue: QueueName, message: Incoming): Promise<boolean> {
    return giveBack(this.#outlet, inqueue, message);
  }
}

/** As `Sender.giveBack`. */
export async function giveBack(outlet: Outlet, inqueue: QueueName, { payload, headers }: Incoming): Promise<boolean> {
  const again = { ...headers, [REDELIVERED_HEADER]: '1' };
  const reason = await outlet.publish({ topic: topicOf(inqueue), payload, headers: again });
  return reason !== NO_SUBSCRIBERS;
}

/** The same for the same death, however often it is told; one who was sent back and dies again has another. */
function letterKey(headers: Readonly<Record<string, string>>): string {
  const id = headers[HEADER.messageId] ?? randomUUID();
  const redriven = headers[HEADER.redriven];
  return redriven === undefined ? id : `${id}.${redriven}`;
}
