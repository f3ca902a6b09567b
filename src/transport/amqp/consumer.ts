import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { messageOf, UnsupportedError } from '../../errors.js';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import {
  type Consumer,
  type DeadLetter,
  deadLetterHeaders,
  deadLetterQueue,
  encodePayload,
  type Handler,
  InHand,
  NotConnectedError,
  type Output,
  QueueNotFoundError,
  RefusedError,
  runHandler,
  type Settlement,
  UnroutedError,
  UnroutedLanes,
  withMessageId,
} from '../index.js';
import { AckWindow } from './ack-window.js';
import { KeptChannel } from './kept-channel.js';
import type { Link } from './link.js';
import type { Letter, Publisher } from './publisher.js';
import { headersOf, toDelivery, toProperties } from './wire.js';
import { within } from './within.js';

/** What cannot be settled would come again at once: not faster than this. */
const GIVE_BACK_MS = 1000;
/** A broker that does not answer a cancel in this time is dead; the channel is closed anyway. */
const CANCEL_LIMIT_MS = 1000;

export interface ConsumerOptions {
  readonly link: Link;
  readonly publisher: Publisher;
  readonly log: Logger;
  readonly inqueue: QueueName;
  readonly handler: Handler;
  readonly prefetch: number;
  /** Declares the place where dead letters are kept, when the inqueue's owner did not. */
  readonly holdDeadLetters: () => Promise<void>;
}

/**
 * Takes messages from one inqueue over a channel of its own. For each: handler, outputs confirmed, then the verdict.
 * Outputs of several deliveries are on their way at the same time. When the channel was lost since a delivery came,
 * its verdict means nothing any more and is dropped: the broker hands the message over again.
 */
export class AmqpConsumer implements Consumer {
  readonly #options: ConsumerOptions;
  readonly #kept: KeptChannel<Channel>;
  readonly #inHand = new InHand();
  /** Aborted when the consumer leaves: unrouted outputs are held no longer, their deliveries come again. */
  readonly #leaving = new AbortController();
  readonly #lanes = new UnroutedLanes(this.#leaving.signal);
  #window: AckWindow | undefined;
  #tag: string | undefined;
  #cancelled: Promise<void> | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    const { link, log, inqueue } = options;
    this.#kept = new KeptChannel({
      link,
      log,
      purpose: `consuming from '${inqueue}'`,
      open: (model) => model.createChannel(),
      setUp: (channel) => this.#attach(channel),
    });
  }

  /** Rejects with the broker's refusal where there is no such queue. */
  async start(): Promise<void> {
    await this.#kept.start();
  }

  async listenTo(): Promise<void> {
    throw new UnsupportedError('listenTo(): an AMQP broker binds queues itself');
  }

  cancel(): Promise<void> {
    return this.stop(Number.POSITIVE_INFINITY);
  }

  /** No delivery starts afterwards; what is not settled within `graceMs` is given back. Idempotent. */
  async stop(graceMs: number): Promise<void> {
    if (Number.isFinite(graceMs)) this.#leaving.abort();
    this.#cancelled ??= this.#stopDelivering();
    await within(Math.min(graceMs, CANCEL_LIMIT_MS), this.#cancelled);
    await this.#inHand.idle(graceMs);
    this.#leaving.abort();
    this.#window?.finish();
    await this.#kept.stop();
  }

  async #stopDelivering(): Promise<void> {
    const { channel } = this.#kept;
    if (channel && this.#tag !== undefined) await channel.cancel(this.#tag).catch(() => {});
  }

  async #attach(channel: Channel): Promise<void> {
    if (this.#cancelled) return;
    const { inqueue, prefetch } = this.#options;
    const window = new AckWindow(channel, prefetch);
    this.#window = window;
    await channel.prefetch(prefetch);
    const { consumerTag } = await channel.consume(inqueue, (message) => {
      if (!message) this.#kept.renew();
      else if (this.#cancelled) window.requeue(message);
      else this.#inHand.add(this.#take(window, message));
    });
    this.#tag = consumerTag;
  }

  /** Never rejects. */
  async #take(window: AckWindow, message: ConsumeMessage): Promise<void> {
    const { handler, log, inqueue } = this.#options;
    const settlement = await runHandler(handler, toDelivery(message));
    if (!window.open) return;
    try {
      await this.#carryOut(settlement, message);
      if (settlement.verdict === 'requeue') window.requeue(message);
      else window.ack(message);
    } catch (error) {
      if (!this.#leaving.signal.aborted) log.warn(`'${inqueue}': given back: ${messageOf(error)}`);
      await delay(GIVE_BACK_MS, undefined, { signal: this.#leaving.signal }).catch(() => {});
      window.requeue(message);
    }
  }

  async #carryOut({ verdict, outputs }: Settlement, message: ConsumeMessage): Promise<void> {
    let refused: unknown;
    try {
      const [first] = outputs;
      if (first && outputs.length === 1) await this.#send(first);
      else if (first) await Promise.all(outputs.map((output) => this.#send(output)));
    } catch (error) {
      if (this.#leaving.signal.aborted || error instanceof NotConnectedError) throw error;
      refused = error;
    }
    if (refused !== undefined) await this.#bury(message, { deadLetter: `output refused: ${messageOf(refused)}` });
    else if (typeof verdict === 'object') await this.#bury(message, verdict);
  }

  /** Held and sent again while nobody takes it (mandatory) or while its exchange is not there. */
  async #send({ outqueue, data, headers, mandatory = false }: Output): Promise<void> {
    const letter = outgoing(outqueue, encodePayload(data), withMessageId(headers), mandatory);
    await this.#lanes.send(outqueue, () => this.#publish(letter, outqueue));
  }

  async #publish(letter: Letter, outqueue: QueueName): Promise<void> {
    try {
      await this.#options.publisher.publish(letter);
    } catch (error) {
      if (!(error instanceof QueueNotFoundError)) throw error;
      this.#options.log.warnOnce(`missing ${outqueue}`, `output held: ${error.message}`);
      throw new UnroutedError(outqueue, { cause: error });
    }
  }

  /** The original bytes and headers with the reason, confirmed; headers of the original go if both are too large. */
  async #bury(message: ConsumeMessage, verdict: DeadLetter): Promise<void> {
    const original = headersOf(message);
    try {
      await this.#publishDead(message.content, deadLetterHeaders(this.#options.inqueue, original, verdict));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      await this.#publishDead(message.content, deadLetterHeaders(this.#options.inqueue, {}, verdict));
    }
  }

  async #publishDead(content: Buffer, headers: Readonly<Record<string, string>>): Promise<void> {
    const { inqueue, holdDeadLetters } = this.#options;
    const target = deadLetterQueue(inqueue);
    const letter = outgoing(target, content, withMessageId(headers), true);
    await this.#lanes.send(target, async () => {
      try {
        await this.#publish(letter, target);
      } catch (error) {
        if (error instanceof UnroutedError) await holdDeadLetters();
        throw error;
      }
    });
  }
}

function outgoing(
  outqueue: QueueName,
  content: Buffer,
  headers: Readonly<Record<string, string>>,
  mandatory: boolean,
): Letter {
  return { exchange: outqueue, routingKey: '', content, properties: toProperties(headers), mandatory };
}
