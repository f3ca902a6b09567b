import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { messageOf, UnsupportedError } from '../../errors.js';
import type { QueueName } from '../../names.js';
import { type Logger, within } from '../../support/index.js';
import {
  type Consumer,
  type DeadLetter,
  deadLetterHeaders,
  deadLetterQueue,
  type Handler,
  InHand,
  identityOf,
  NotConnectedError,
  type Output,
  QueueNotFoundError,
  RefusedError,
  type Release,
  runHandler,
  type Settlement,
  UnroutedError,
  UnroutedLanes,
} from '../index.js';
import { AckWindow } from './ack-window.js';
import { KeptChannel } from './kept-channel.js';
import type { Link } from './link.js';
import type { Publisher } from './publisher.js';
import { isConsumerTimeout } from './refusal.js';
import { headersOf, Letter, toDelivery } from './wire.js';

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
  readonly #lanes = new UnroutedLanes(this.#leaving.signal, (error) => this.#isUnrouted(error));
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
      onRefused: (error) => this.#tellTimeout(error),
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
    await within(this.#cancelled, Math.min(graceMs, CANCEL_LIMIT_MS));
    await this.#inHand.idle(graceMs);
    this.#leaving.abort();
    this.#window?.finish();
    await this.#kept.stop();
  }

  /** Never rejects: a channel that is closed already throws at once. */
  async #stopDelivering(): Promise<void> {
    const { channel } = this.#kept;
    try {
      if (channel && this.#tag !== undefined) await channel.cancel(this.#tag);
    } catch {}
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
      else void this.#take(window, message);
    });
    this.#tag = consumerTag;
  }

  #tellTimeout(error: Error): void {
    const { log, inqueue } = this.#options;
    if (!isConsumerTimeout(error)) return;
    const text = 'a delivery was in hand longer than RabbitMQ allows (consumer_timeout): what is in hand comes again';
    log.warnOnce(`timeout '${inqueue}'`, `'${inqueue}': ${text}`);
  }

  /** Never rejects. */
  async #take(window: AckWindow, message: ConsumeMessage): Promise<void> {
    const { handler, log, inqueue } = this.#options;
    this.#inHand.begin();
    let settlement: Settlement | undefined;
    let isCarriedOut = false;
    try {
      settlement = await runHandler(handler, toDelivery(message));
      let { verdict } = settlement;
      if (!window.open) return;
      try {
        if (settlement.outputs.length > 0) await this.#sendAll(settlement.outputs);
      } catch (error) {
        verdict = this.#refused(error);
      }
      if (typeof verdict === 'object') await this.#bury(message, verdict);
      if (verdict === 'requeue') window.requeue(message);
      else window.ack(message);
      isCarriedOut = verdict === settlement.verdict;
    } catch (error) {
      if (!this.#leaving.signal.aborted) log.warn(`'${inqueue}': given back: ${messageOf(error)}`);
      await delay(GIVE_BACK_MS, undefined, { signal: this.#leaving.signal }).catch(() => {});
      window.requeue(message);
    } finally {
      settlement?.settled?.(isCarriedOut);
      this.#inHand.end();
    }
  }

  #sendAll(outputs: readonly Output[]): Promise<unknown> {
    // What cannot be written as JSON throws before the first leaves.
    const letters = outputs.map((output) => new Letter(output.outqueue, '', output, output.mandatory));
    const [first] = letters;
    if (first && letters.length === 1) return this.#send(first, outputs[0]?.release);
    return Promise.all(letters.map((letter, at) => this.#send(letter, outputs[at]?.release)));
  }

  /** Held and sent again while nobody takes it (mandatory) or while its exchange is not there. */
  #send(letter: Letter, release: Release | undefined): Promise<void> {
    return this.#lanes.send(letter.exchange, () => this.#options.publisher.publish(letter), release);
  }

  #isUnrouted(error: unknown): boolean {
    if (error instanceof QueueNotFoundError) this.#options.log.warnOnce(error.message, `output held: ${error.message}`);
    return error instanceof UnroutedError || error instanceof QueueNotFoundError;
  }

  /** What the broker or the protocol does not take never will be. Throws what is no refusal: the delivery comes again. */
  #refused(error: unknown): DeadLetter {
    if (this.#leaving.signal.aborted || error instanceof NotConnectedError) throw error;
    return { deadLetter: `output refused: ${messageOf(error)}` };
  }

  /**
   * The original bytes and headers with the reason, confirmed; if both are too large, of the original's only those by
   * which it is told from others.
   */
  async #bury(message: ConsumeMessage, verdict: DeadLetter): Promise<void> {
    const original = headersOf(message);
    try {
      await this.#publishDead(message.content, deadLetterHeaders(this.#options.inqueue, original, verdict));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      await this.#publishDead(message.content, deadLetterHeaders(this.#options.inqueue, identityOf(original), verdict));
    }
  }

  async #publishDead(content: Buffer, headers: Readonly<Record<string, string>>): Promise<void> {
    const { inqueue, publisher, holdDeadLetters } = this.#options;
    const target = deadLetterQueue(inqueue);
    const letter = new Letter(target, '', { data: content, headers }, true);
    await this.#lanes.send(target, async () => {
      try {
        await publisher.publish(letter);
      } catch (error) {
        if (this.#isUnrouted(error)) await holdDeadLetters();
        throw error;
      }
    });
  }
}
