import type { Channel, ChannelModel } from 'amqplib';
import { messageOf } from '../../errors.js';
import { Backoff, type Logger, within } from '../../support/index.js';
import { NotConnectedError } from '../index.js';
import type { Link } from './link.js';
import { refusalOf } from './refusal.js';

const CLOSE_LIMIT_MS = 1000;

export interface KeptChannelOptions<C extends Channel> {
  readonly link: Link;
  readonly log: Logger;
  /** For the log: what the channel is for. */
  readonly purpose: string;
  readonly open: (model: ChannelModel) => Promise<C>;
  /** Everything the channel needs, each time anew. May be refused by the broker, which closes only this channel. */
  readonly setUp: (channel: C) => Promise<void>;
  /** Told when the broker closed the channel for an error, before it is set up again. */
  readonly onRefused?: (error: Error) => void;
}

/** A channel that is made and set up again whenever it or its connection is lost, until it is stopped. */
export class KeptChannel<C extends Channel> {
  readonly #options: KeptChannelOptions<C>;
  readonly #stopping = new AbortController();
  #channel: C | undefined;

  constructor(options: KeptChannelOptions<C>) {
    this.#options = options;
  }

  get channel(): C | undefined {
    return this.#channel;
  }

  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** The first time; waits for a connection. Rejects with what the broker refused, and is stopped then. */
  async start(): Promise<void> {
    const { link } = this.#options;
    for (;;) {
      const model = await link.up();
      try {
        return await this.#make();
      } catch (error) {
        const lost = link.model !== model && !refusalOf(error);
        if (lost && !this.stopped && !link.closed) continue;
        this.#stopping.abort();
        throw error;
      }
    }
  }

  /** Makes it anew although it still lives, for instance when its queue was deleted. */
  renew(): void {
    void closeQuietly(this.#channel);
  }

  /** Closes it for good; what is unsettled on it comes again. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const channel = this.#channel;
    this.#channel = undefined;
    await closeQuietly(channel);
  }

  async #make(): Promise<void> {
    const model = await this.#options.link.up();
    const channel = await this.#options.open(model);
    let failure: Error | undefined;
    let closed = false;
    channel.on('error', (error) => {
      failure = error;
    });
    channel.once('close', () => {
      closed = true;
      this.#lost(channel, failure);
    });
    try {
      await this.#options.setUp(channel);
      if (closed) throw failure ?? new Error('channel closed');
    } catch (error) {
      await closeQuietly(channel);
      throw error;
    }
    if (this.stopped) {
      await closeQuietly(channel);
      throw new NotConnectedError(this.#options.purpose);
    }
    this.#channel = channel;
  }

  #lost(channel: C, failure: Error | undefined): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    if (this.stopped) return;
    if (failure) {
      this.#options.log.debug(`${this.#options.purpose}: ${failure.message}`);
      this.#options.onRefused?.(failure);
    }
    void this.#remake();
  }

  async #remake(): Promise<void> {
    const { link, log, purpose } = this.#options;
    const backoff = new Backoff(20, 2000);
    while (!this.stopped && !link.closed) {
      try {
        return await this.#make();
      } catch (error) {
        if (this.stopped || link.closed) return;
        if (refusalOf(error))
          log.warnOnce(`${purpose} ${messageOf(error)}`, `${purpose}: ${messageOf(error)}; trying again`);
        await backoff.wait(this.#stopping.signal).catch(() => {});
      }
    }
  }
}

/** Not for long: a broker that blocks the connection does not answer. */
async function closeQuietly(channel: Channel | undefined): Promise<void> {
  if (channel) await within(closing(channel), CLOSE_LIMIT_MS);
}

/** Never rejects: a channel that is closed already throws at once. */
export async function closing(channel: Channel): Promise<void> {
  try {
    await channel.close();
  } catch {}
}
