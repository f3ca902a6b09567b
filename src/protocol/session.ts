import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';
import { type Capability, mayReceive } from './capabilities.js';
import type { TellOptions } from './client.js';
import type { Exchange } from './command.js';
import { commandFor } from './commands.js';
import { RequestError } from './errors.js';
import type { Network } from './network.js';
import type { PayloadCheck } from './payload-check.js';
import { readRequest } from './read-request.js';
import { excerpt, type Outgoing, type Request } from './wire.js';
import { within } from './within.js';

/** Hands one text frame to the client. Must not throw; a client that reads too slowly is the door's affair. */
export type Send = (frame: string, options?: TellOptions) => void;

/** How many messages came in and what became of them. */
export interface ProtocolCounts {
  readonly received: number;
  /** Answered with an error because of what was asked. */
  readonly refused: number;
  /** Answered with an error because of us. */
  readonly failed: number;
}

export interface SessionOptions {
  readonly network: Network;
  readonly capabilities: readonly Capability[];
  readonly check: PayloadCheck;
  readonly log: Logger;
  readonly answerWithinMs: number;
  count(what: keyof ProtocolCounts): void;
  /** Called once, when the session ends. */
  closed(): void;
}

/** What an answer needs to know of its request. */
type Asked = Pick<Request, 'protocol' | 'requestId'>;

/**
 * One client of the FBP protocol, whatever carries its frames. Requests are answered one after another in the order in
 * which they came, since clients match answers by their place; every request gets an answer, an error if need be.
 */
export class ProtocolSession {
  readonly #options: SessionOptions;
  readonly #send: Send;
  #answered: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isWatching = false;

  constructor(options: SessionOptions, send: Send) {
    this.#options = options;
    this.#send = send;
  }

  /** Takes one frame. Resolves when it is answered, or at once after `close`; never rejects. */
  receive(frame: string | Uint8Array): Promise<void> {
    this.#options.count('received');
    this.#answered = this.#answered.then(() => (this.#isClosed ? undefined : this.#answer(frame)));
    return this.#answered;
  }

  /**
   * Sends what the client did not ask for, ready as a frame. Left out for a client that has not introduced itself by
   * `getruntime`, or whose capabilities do not cover the message.
   */
  tell({ protocol, command }: Pick<Outgoing, 'protocol' | 'command'>, frame: string): void {
    if (this.#isWatching && mayReceive(this.#options.capabilities, protocol, command)) this.#put(frame);
  }

  /** The client is gone: what it asked before is dropped. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.closed();
  }

  async #answer(frame: string | Uint8Array): Promise<void> {
    const read = readRequest(frame);
    if ('refusal' in read) {
      const { reason, ...to } = read.refusal;
      return this.#refuse(to, reason);
    }
    const { request } = read;
    try {
      await this.#run(request);
    } catch (error) {
      if (error instanceof RequestError) return this.#refuse(request, error.message);
      const reason = `${request.protocol}:${excerpt(request.command)} failed: ${messageOf(error)}`;
      this.#options.count('failed');
      this.#options.log.warn(reason);
      this.#reply(request, 'error', { message: reason });
    }
  }

  /** What a handler still sends after its time is dropped: the error has been the answer. */
  async #run(request: Request): Promise<void> {
    const { network, capabilities, check, log, answerWithinMs } = this.#options;
    let isOver = false;
    const exchange: Exchange = {
      network,
      capabilities,
      reply: (command, payload) => {
        if (!isOver) this.#reply(request, command, payload);
      },
      watch: () => {
        this.#isWatching = true;
      },
      warn: (text) => log.warn(text),
    };
    try {
      const work = commandFor(request).run(request.payload, check, exchange);
      if (work) await within(work, answerWithinMs, 'the answer');
    } finally {
      isOver = true;
    }
  }

  #refuse(to: Asked, reason: string): void {
    this.#options.count('refused');
    this.#reply(to, 'error', { message: reason });
  }

  #reply({ protocol, requestId }: Asked, command: string, payload: unknown): void {
    const message: Outgoing = {
      protocol,
      command,
      payload,
      ...(requestId !== undefined && { responseTo: requestId }),
    };
    this.#put(JSON.stringify(message));
  }

  #put(frame: string): void {
    if (!this.#isClosed) this.#send(frame);
  }
}
