import { randomUUID } from 'node:crypto';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import {
  type DeadLetter,
  deadLetterHeaders,
  deadLetterQueue,
  encodePayload,
  HEADER,
  type Message,
  stamped,
  UnroutedError,
} from '../index.js';
import type { Outlet } from './outlet.js';
import type { Incoming } from './session.js';
import { heldDeadLetterTopic, topicOf } from './topics.js';

/** On a message that a leaving client gave back: an earlier attempt may have been made. Taken off on arrival. */
export const REDELIVERED_HEADER = 'msgflo-redelivered';
/** The PUBACK's reason when nobody is subscribed to the topic. */
export const NO_SUBSCRIBERS = 16;
/** How long the broker keeps a dead letter for who comes to look, where it can forget. */
const DEAD_LETTER_KEPT_SECONDS = 7 * 24 * 3600;

/** Messages, dead letters and what is given back, as publications. */
export class Sender {
  readonly #outlet: Outlet;
  readonly #log: Logger;

  constructor(outlet: Outlet, log: Logger) {
    this.#outlet = outlet;
    this.#log = log;
  }

  /** Resolves when the broker has it. @throws {UnroutedError} if `mandatory` and nobody is subscribed. @throws {RefusedError} */
  async send(queue: QueueName, message: Message, mandatory: boolean): Promise<void> {
    const headers = this.#outlet.protocol === 5 ? stamped(message.headers) : {};
    const reason = await this.#outlet.publish({ topic: topicOf(queue), payload: encodePayload(message.data), headers });
    if (mandatory && reason === NO_SUBSCRIBERS) throw new UnroutedError(queue);
  }

  /** To those who listen to the dead letters of the inqueue, and kept for those who come later; both confirmed. */
  async sendDeadLetter(inqueue: QueueName, { payload, headers }: Incoming, verdict: DeadLetter): Promise<void> {
    const all = deadLetterHeaders(inqueue, stamped(headers), verdict);
    const keptAt = heldDeadLetterTopic(inqueue, all[HEADER.messageId] ?? randomUUID());
    if (this.#outlet.protocol === 4) this.#log.warn(`dead letter of '${inqueue}': ${all[HEADER.deadReason]}`);
    const expirySeconds = DEAD_LETTER_KEPT_SECONDS;
    await Promise.all([
      this.#outlet.publish({ topic: topicOf(deadLetterQueue(inqueue)), payload, headers: all }),
      this.#outlet.publish({ topic: keptAt, payload, headers: all, retain: true, expirySeconds }),
    ]);
  }

  /** Hands a message to the others who share the inqueue. Resolves with false when the broker says there are none. */
  async giveBack(inqueue: QueueName, { payload, headers }: Incoming): Promise<boolean> {
    const again = { ...headers, [REDELIVERED_HEADER]: '1' };
    const reason = await this.#outlet.publish({ topic: topicOf(inqueue), payload, headers: again });
    return reason !== NO_SUBSCRIBERS;
  }
}
