import type { Logger } from '../support/index.js';
import type { Access } from './access.js';
import { type Capability, receivable } from './capabilities.js';
import type { Client, TellOptions } from './client.js';
import type { Exchange } from './command.js';
import { begin, isQuestion } from './commands.js';
import { lossPush, frameOf as pushFrame } from './data-frames.js';
import { failureOf } from './failure.js';
import { Lanes } from './lanes.js';
import type { Network } from './network.js';
import type { PayloadCheck } from './payload-check.js';
import { type ReadRequest, type Refusal, readRequest } from './read-request.js';
import type { Services } from './services.js';
import { frameOf, type Outgoing, type Request } from './wire.js';
import { within } from './within.js';

/**
 * Hands one text frame to the client. Must not throw; a client that reads too slowly is the door's affair, which may
 * drop what is `droppable`.
 */
export type Send = (frame: string, options?: TellOptions) => void;

/** How many messages came in and what became of them. */
export interface ProtocolCounts {
  readonly received: number;
  /** Answered with an error because of what was asked. */
  readonly refused: number;
  /** Answered with an error because the one who asked may not. */
  readonly forbidden: number;
  /** Carried a secret that nobody has; treated as if they carried none. */
  readonly wrongSecret: number;
  /** Answered with an error because of us. */
  readonly failed: number;
}

export interface SessionOptions {
  readonly network: Network;
  readonly services: Services;
  readonly access: Access;
  readonly check: PayloadCheck;
  readonly log: Logger;
  readonly answerWithinMs: number;
  count(what: keyof ProtocolCounts): void;
  /** Called at each `getruntime`: what the client may be told can be other than before. */
  introduced(client: Client): void;
  /** Called once, when the session ends. */
  closed(client: Client): void;
}

/** What an answer needs to know of its request. */
type Asked = Pick<Request, 'protocol' | 'requestId'>;

interface Held {
  readonly frame: string;
  readonly options: TellOptions | undefined;
}

/**
 * One client of the FBP protocol, whatever carries its frames. Requests are answered in the order in which they came
 * within each sub-protocol, since clients match answers by their place, and change things in the order in which they
 * came; every request gets an answer, an error if need be. A secret is forgotten as soon as it is known what it opens.
 */
export class ProtocolSession implements Client {
  readonly #options: SessionOptions;
  readonly #send: Send;
  readonly #lanes = new Lanes();
  #isClosed = false;
  /** What it may be told unasked: nothing before it has introduced itself. */
  #receivable: ReadonlySet<string> = new Set();
  #sourcesPending = 0;
  #held: Held[] = [];

  constructor(options: SessionOptions, send: Send) {
    this.#options = options;
    this.#send = send;
  }

  /** Takes one frame. Resolves when it is answered, or at once after `close`; never rejects. */
  receive(frame: string | Uint8Array): Promise<void> {
    this.#options.count('received');
    const read = readRequest(frame);
    if ('refusal' in read) {
      return this.#lanes.enter(read.refusal.protocol, { isChange: false }, () => this.#refuse(read.refusal));
    }
    const { request } = read;
    const isChange = !isQuestion(request);
    const capabilities = this.#capabilitiesOf(read);
    const answered = this.#lanes.enter(request.protocol, { isChange }, () => this.#answer(request, capabilities));
    return isSource(request) ? this.#holdUntil(answered) : answered;
  }

  mayReceive(protocol: string, command: string): boolean {
    return !this.#isClosed && this.#receivable.has(`${protocol}:${command}`);
  }

  tell({ protocol, command }: Pick<Outgoing, 'protocol' | 'command'>, frame: string, options?: TellOptions): void {
    if (!this.mayReceive(protocol, command)) return;
    const isHeld = this.#sourcesPending > 0 && protocol === 'component' && command === 'component';
    if (isHeld) this.#held.push({ frame, options });
    else this.#put(frame, options);
  }

  /** The client reads again; so many `droppable` frames were dropped while it did not. */
  drained(lost: number): void {
    if (lost < 1) return;
    const push = lossPush(lost);
    this.tell(push, pushFrame(push));
  }

  /** The client is gone: what it asked before is dropped. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#held = [];
    this.#options.closed(this);
  }

  #capabilitiesOf({ secret }: Exclude<ReadRequest, { readonly refusal: Refusal }>): readonly Capability[] {
    const { capabilities, isWrongSecret } = this.#options.access.grantFor(secret);
    if (isWrongSecret) {
      this.#options.count('wrongSecret');
      this.#options.log.warnOnce('wrong secret', 'a client came with a wrong secret; it may do what one without may');
    }
    return capabilities;
  }

  /** Clients take the next `component:component`, of whatever component, for the answer to their `component:source`. */
  async #holdUntil(answered: Promise<void>): Promise<void> {
    this.#sourcesPending += 1;
    await answered;
    this.#sourcesPending -= 1;
    if (this.#sourcesPending > 0) return;
    for (const { frame, options } of this.#held.splice(0)) this.#put(frame, options);
  }

  async #answer(request: Request, capabilities: readonly Capability[]): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.#run(request, capabilities);
    } catch (error) {
      const { outcome, message } = failureOf(request, error, this.#options.log);
      this.#options.count(outcome);
      if (outcome === 'forbidden')
        this.#options.log.warnOnce(`forbidden ${message}`, `a client was refused: ${message}`);
      this.#reply(request, 'error', { message });
    }
  }

  /** What a handler still sends after its time is dropped: the error has been the answer. */
  async #run(request: Request, capabilities: readonly Capability[]): Promise<void> {
    const { network, services, check, log, answerWithinMs } = this.#options;
    let isOver = false;
    const unlessOver = (send: () => void): void => {
      if (!isOver) send();
    };
    const exchange: Exchange = {
      network,
      services,
      client: this,
      capabilities,
      reply: (command, payload) => unlessOver(() => this.#reply(request, command, payload)),
      push: (command, payload) =>
        unlessOver(() => this.#put(frameOf({ protocol: request.protocol, command, payload }))),
      introduce: () => this.#introduce(capabilities),
      warn: (text) => log.warn(text),
    };
    try {
      const work = begin(request, check, exchange);
      if (work) await within(work, answerWithinMs, 'the answer');
    } finally {
      isOver = true;
    }
  }

  #introduce(capabilities: readonly Capability[]): void {
    this.#receivable = receivable(capabilities);
    if (!this.#isClosed) this.#options.introduced(this);
  }

  #refuse({ reason, ...to }: Refusal): void {
    if (this.#isClosed) return;
    this.#options.count('refused');
    this.#reply(to, 'error', { message: reason });
  }

  #reply({ protocol, requestId }: Asked, command: string, payload: unknown): void {
    this.#put(frameOf({ protocol, command, payload, ...(requestId !== undefined && { responseTo: requestId }) }));
  }

  #put(frame: string, options?: TellOptions): void {
    if (!this.#isClosed) this.#send(frame, options);
  }
}

function isSource({ protocol, command }: Request): boolean {
  return protocol === 'component' && command === 'source';
}
