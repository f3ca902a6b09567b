import { type Channel, IllegalOperationError, type Message } from 'amqplib';

/** How long a settled delivery may wait for those before it, so that they are acked together. */
const LINGER_MS = 5;

/**
 * The deliveries of one channel, settled in any order, told to the broker with few acks: one for all up to a tag where
 * there is no gap, single ones past a delivery that takes long. Delivery tags mean something on their own channel only:
 * a window belongs to one channel and is given up with it.
 */
export class AckWindow {
  readonly #channel: Channel;
  readonly #prefetch: number;
  /** Settled and beyond a gap: to be acked, or undefined when the broker has been told. */
  readonly #settled = new Map<number, Message | undefined>();
  /** The lowest tag that is not settled and told, or among `#settled`. */
  #head = 1;
  #untold = 0;
  #isFlushDue = false;
  #linger: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(channel: Channel, prefetch: number) {
    this.#channel = channel;
    this.#prefetch = prefetch;
    channel.once('close', () => this.close());
  }

  /** False once the channel is gone: its deliveries come again whatever is said here. */
  get open(): boolean {
    return !this.#closed;
  }

  ack(message: Message): void {
    if (this.#closed) return;
    this.#settled.set(message.fields.deliveryTag, message);
    this.#untold += 1;
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    // After all that is settled in this breath, and before what is written in this turn leaves.
    process.nextTick(() => {
      if (this.#isFlushDue) this.flush();
    });
  }

  /** Gives it back to the queue. */
  requeue(message: Message): void {
    if (this.#closed) return;
    this.#settled.set(message.fields.deliveryTag, undefined);
    this.#tell(() => this.#channel.nack(message, false, true));
  }

  /** Tells the broker of all that is settled without a gap, and of the rest when it is much or waits too long. */
  flush(): void {
    this.#isFlushDue = false;
    if (this.#closed) return;
    let upTo: Message | undefined;
    while (this.#settled.has(this.#head)) {
      const message = this.#settled.get(this.#head);
      if (message) {
        upTo = message;
        this.#untold -= 1;
      }
      this.#settled.delete(this.#head);
      this.#head += 1;
    }
    if (upTo) this.#ackOne(upTo, true);
    if (this.#untold * 2 >= this.#prefetch) this.#ackSingly();
    else if (this.#untold > 0) this.#linger ??= setTimeout(() => this.#ackSingly(), LINGER_MS);
  }

  /** Flushes everything, gaps or not; for the end of a consumer. */
  finish(): void {
    this.flush();
    this.#stopTimer();
    if (!this.#closed) this.#ackSingly();
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer();
    this.#settled.clear();
  }

  #ackSingly(): void {
    if (this.#linger) clearTimeout(this.#linger);
    this.#linger = undefined;
    if (this.#untold === 0) return;
    for (const [tag, message] of this.#settled) {
      if (!message) continue;
      this.#ackOne(message, false);
      this.#settled.set(tag, undefined);
    }
    this.#untold = 0;
  }

  #ackOne(message: Message, allUpTo: boolean): void {
    this.#tell(() => this.#channel.ack(message, allUpTo));
  }

  /** A channel that is closing takes no more, and says so by throwing before it says so by an event. */
  #tell(say: () => void): void {
    try {
      say();
    } catch (error) {
      if (!(error instanceof IllegalOperationError)) throw error;
      this.close();
    }
  }

  #stopTimer(): void {
    if (this.#linger) clearTimeout(this.#linger);
    this.#linger = undefined;
  }
}
