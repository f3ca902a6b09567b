import { type ConfirmChannel, IllegalOperationError } from 'amqplib';
import { messageOf } from '../../errors.js';
import { asQueueName, type QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import { NotConnectedError, QueueNotFoundError, RefusedError, Stamps, UnroutedError } from '../index.js';
import { FullQueues } from './full-queues.js';
import { KeptChannel } from './kept-channel.js';
import type { Link } from './link.js';
import { Outbox, type Outgoing } from './outbox.js';
import { type Publish, publishing } from './publish-frames.js';
import { type Refusal, refusalOf } from './refusal.js';
import type { Letter } from './wire.js';

/**
 * Publishes with confirms. What is unconfirmed when the channel or the connection is lost is published again, in order,
 * on the next one; at most so much is unconfirmed (see Outbox), then callers wait. A letter that the broker refuses by
 * closing the channel is rejected alone. One that it does not take just now, its queue being full, is sent again until
 * there is room (see FullQueues).
 */
export class Publisher {
  readonly #outbox = new Outbox((outgoing) => this.#post(outgoing));
  readonly #full: FullQueues;
  readonly #kept: KeptChannel<ConfirmChannel>;
  /** Set in the same breath as the backlog is written, so that no letter falls between. */
  #channel: ConfirmChannel | undefined;
  /** Onto that channel. */
  #publish: Publish = () => {};
  readonly #stamps = new Stamps();
  #closed = false;
  /** After a refusal that names nobody, the letters go out one by one until the guilty one is found. */
  #suspects: Outgoing[] = [];
  /** Exchanges that were not there: looked for before the next try, which would cost everybody the channel again. */
  readonly #missing = new Set<string>();
  readonly #findExchange: (exchange: string) => Promise<void>;

  /** @param findExchange rejects with QueueNotFoundError while there is no such exchange */
  constructor(link: Link, log: Logger, findExchange: (exchange: string) => Promise<void>) {
    this.#findExchange = findExchange;
    const write = (outgoing: Outgoing): boolean => {
      const channel = this.#channel;
      return channel !== undefined && this.#suspects.length === 0 && this.#write(channel, outgoing);
    };
    this.#full = new FullQueues({ outbox: this.#outbox, write, log });
    this.#kept = new KeptChannel({
      link,
      log,
      purpose: 'publishing',
      open: (model) => model.createConfirmChannel(),
      setUp: async (channel) => this.#resume(channel),
      onRefused: (error) => this.#refused(error),
    });
  }

  async start(): Promise<void> {
    await this.#kept.start();
  }

  /**
   * Resolves when the broker has confirmed the letter. Letters leave in the order of the calls.
   * @throws {UnroutedError} for a mandatory letter that no queue took
   * @throws {QueueNotFoundError} where there is no such exchange
   * @throws {RefusedError} for what the broker or the protocol does not take, such as 64 KiB of headers
   */
  publish(letter: Letter): Promise<void> {
    if (this.#closed) return Promise.reject(new NotConnectedError('send()'));
    letter.stamp(this.#stamps);
    return this.#missing.has(letter.exchange) ? this.#publishIfFound(letter) : this.#outbox.add(letter);
  }

  /** Waits up to `graceMs` for what is unconfirmed; the rest is rejected with NotConnectedError. Idempotent. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    await this.#outbox.emptied(graceMs);
    this.#full.stop();
    this.#outbox.rejectAll(() => new NotConnectedError('send()'));
    await this.#kept.stop();
  }

  async #publishIfFound(letter: Letter): Promise<void> {
    await this.#findExchange(letter.exchange);
    this.#missing.delete(letter.exchange);
    await this.#outbox.add(letter);
  }

  #post(outgoing: Outgoing): void {
    if (this.#full.any && this.#full.takes(outgoing)) return;
    const channel = this.#channel;
    if (channel && this.#suspects.length === 0) this.#write(channel, outgoing);
    else if (channel) this.#suspects.push(outgoing);
  }

  #resume(channel: ConfirmChannel): void {
    channel.on('return', (message) => this.#outbox.markReturned(message));
    // Before amqplib tells every letter that its channel is closed.
    channel.prependOnceListener('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    this.#channel = channel;
    this.#publish = publishing(channel);
    const backlog = this.#outbox.unconfirmed();
    if (this.#suspects.length > 0) {
      this.#full.release();
      this.#suspects = [...backlog];
      this.#tryNext(channel);
    } else {
      for (const outgoing of this.#full.restart(backlog)) this.#write(channel, outgoing);
      this.#full.resume();
    }
  }

  /** False when it cannot be encoded, and is rejected therefore. */
  #write(channel: ConfirmChannel, outgoing: Outgoing): boolean {
    outgoing.returned = false;
    try {
      this.#publish(outgoing.letter, (error) => this.#confirmed(channel, outgoing, error));
    } catch (error) {
      // On a channel that is closing nothing is wrong with the letter: the next channel takes it.
      if (error instanceof IllegalOperationError) return true;
      const why = `cannot send to '${nameOf(outgoing)}': ${messageOf(error)}`;
      this.#outbox.reject(outgoing, new RefusedError(why, { cause: error }));
      return false;
    }
    return true;
  }

  /** A negative confirm: no room in a queue, or the broker failed to store it. It is sent again in a while. */
  #confirmed(channel: ConfirmChannel, outgoing: Outgoing, error: unknown): void {
    if (error && this.#channel !== channel) return;
    if (error) this.#full.refused(outgoing);
    else if (outgoing.returned) this.#outbox.reject(outgoing, new UnroutedError(nameOf(outgoing)));
    else this.#outbox.resolve(outgoing);
    if (this.#suspects[0] === outgoing) {
      this.#suspects.shift();
      this.#tryNext(channel);
      if (this.#suspects.length === 0) this.#full.resume();
    }
    if (!error && this.#full.any) this.#full.confirmed(outgoing);
  }

  #tryNext(channel: ConfirmChannel): void {
    for (let [next] = this.#suspects; next && !this.#write(channel, next); [next] = this.#suspects)
      this.#suspects.shift();
  }

  #refused(error: Error): void {
    const refusal = refusalOf(error);
    if (!refusal) return;
    const [suspect] = this.#suspects;
    const named = this.#outbox.unconfirmed().filter(({ letter }) => letter.exchange === refusal.subject);
    if (suspect) {
      this.#suspects.shift();
      this.#outbox.reject(suspect, sendError(refusal, suspect, error));
    } else if (refusal.subject && named.length > 0) {
      if (refusal.code === 404) this.#missing.add(refusal.subject);
      for (const outgoing of named) this.#outbox.reject(outgoing, sendError(refusal, outgoing, error));
    } else this.#suspects = [...this.#outbox.unconfirmed()];
  }
}

function sendError(refusal: Refusal, outgoing: Outgoing, cause: Error): Error {
  const queue = nameOf(outgoing);
  if (refusal.code === 404) return new QueueNotFoundError(queue, { cause });
  return new RefusedError(`cannot send to '${queue}': ${refusal.text}`, { cause });
}

function nameOf({ letter }: Outgoing): QueueName {
  return asQueueName(letter.exchange || letter.routingKey);
}
