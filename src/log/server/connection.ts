import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { StoredRecord } from '../store/store.js';
import {
  FrameStream,
  INVALID_MESSAGE,
  REPLIES,
  type Refused,
  type Request,
  readRequest,
  UNKNOWN_MESSAGE,
  WireError,
} from '../wire/index.js';
import { encodeRecords } from './encode-records.js';
import { statusOf } from './status.js';

/** Beyond this many bytes that the client has not read, nothing more is read from it. */
const PAUSE_BYTES = 4 * 1024 * 1024;
/** Requests of one client in hand; the rest waits in its socket. */
const MAX_IN_HAND = 10_000;
/** Reads of one client in hand: each may become a reply of several MiB. */
const MAX_READS = 4;
/** Requests of one client that wait for something to happen; ours have one for each live proc. */
const MAX_WAITING = 10_000;

/** What is answered: data for JSON, the pieces of a JSON text that exists already, or records in several replies. */
export type Answer =
  | { readonly data: unknown }
  | { readonly pieces: readonly Buffer[] }
  | { readonly pages: AsyncIterable<readonly StoredRecord[]> };

/** What a connection needs of the node. */
export interface Answerer {
  /** Carries out one request; called in the order of arrival. `gone` aborts when the client leaves. */
  answer(request: Request, gone: AbortSignal): Promise<Answer>;
  /** Resolves when more can be taken; undefined when it can now. */
  congestion(): Promise<void> | undefined;
  /** The client is away, whether it said goodbye or not; what it holds is for others. */
  lost(gone: AbortSignal): void;
}

type Burden = 'quick' | 'read' | 'waiting';

/** The node's side of one connection: reads requests, has them carried out, answers. Bounded, whatever the client does. */
export class Connection {
  readonly #stream: FrameStream;
  readonly #answerer: Answerer;
  readonly #gone = new AbortController();
  readonly #inHand: Record<Burden, number> = { quick: 0, read: 0, waiting: 0 };
  /** Came in one read with frames that were too many. */
  #inbox: Buffer[] = [];
  readonly #draining = new Set<() => void>();
  #held = false;
  #isFinishing = false;
  /** Told when something was answered. */
  readonly #waiters = new Set<() => void>();

  /** @param onEnd once, with the reason when the client broke the rules or the connection broke */
  constructor(socket: Socket, answerer: Answerer, onEnd: (reason: Error | undefined) => void) {
    this.#answerer = answerer;
    setMaxListeners(0, this.#gone.signal); // one for each request that waits
    this.#stream = new FrameStream(socket, {
      onFrame: (body) => {
        if (this.#held) this.#inbox.push(body);
        else this.#take(body);
      },
      onEnd: (reason) => {
        this.#inbox = [];
        this.#gone.abort();
        // When it is the node that leaves, its clients find it again, and their claims with it.
        if (!this.#isFinishing) this.#answerer.lost(this.#gone.signal);
        for (const done of [...this.#draining]) done();
        this.#wake();
        onEnd(reason);
      },
    });
  }

  /** Reads no more, answers what has come and leaves; at once when `limit` aborts. */
  async finish(limit: AbortSignal): Promise<void> {
    this.#isFinishing = true;
    this.#stream.pause();
    while (!limit.aborted && !this.#gone.signal.aborted && this.#isBusy()) await this.#nextAnswer(limit);
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #take(frame: Buffer): void {
    const request = readRequest(frame);
    if (!request) return;
    if ('refused' in request) this.#refuse(request);
    else this.#carryOut(request);
    if (this.#blocked()) void this.#hold();
  }

  #carryOut(request: Request): void {
    const burden = burdenOf(request);
    if (burden === 'waiting' && this.#inHand.waiting >= MAX_WAITING) throw new WireError('too many requests that wait');
    this.#inHand[burden] += 1;
    // One promise for each request: this is walked for every commit.
    this.#answerer.answer(request, this.#gone.signal).then(
      (answer) => this.#send(request, answer, burden),
      (error: unknown) => this.#fail(request, error, burden),
    );
  }

  #send(request: Request, answer: Answer, burden: Burden): void {
    const head = `{"type":"${REPLIES[request.type][0]}","msgKey":${JSON.stringify(request.msgKey)}`;
    if ('pages' in answer) {
      this.#sendPages(head, answer.pages).then(
        () => this.#done(burden),
        (error: unknown) => this.#fail(request, error, burden),
      );
      return;
    }
    if ('data' in answer) this.#stream.send(`${head},"data":${JSON.stringify(answer.data)}}`);
    else this.#stream.sendParts([Buffer.from(`${head},"data":`), ...answer.pieces, CLOSING]);
    this.#done(burden);
  }

  #fail({ type, msgKey }: Request, error: unknown, burden: Burden): void {
    this.#stream.send(JSON.stringify({ type: REPLIES[type][1], msgKey, ...statusOf(error) }));
    this.#done(burden);
  }

  #done(burden: Burden): void {
    this.#inHand[burden] -= 1;
    if (this.#waiters.size > 0) this.#wake();
  }

  /** One reply for each page; the last one, without `more`, may be empty. */
  async #sendPages(head: string, pages: AsyncIterable<readonly StoredRecord[]>): Promise<void> {
    const more = Buffer.from(`${head},"more":true,"data":`);
    for await (const page of pages) {
      this.#stream.sendParts([more, encodeRecords(page), CLOSING]);
      if (this.#stream.bufferedBytes > PAUSE_BYTES) await this.#drained();
      if (this.#gone.signal.aborted) return;
    }
    this.#stream.send(`${head},"data":[]}`);
  }

  #refuse({ refused, type, msgKey }: Refused): void {
    const errStatus = type ? INVALID_MESSAGE : UNKNOWN_MESSAGE;
    const replyType = type ? REPLIES[type][1] : UNKNOWN_MESSAGE;
    this.#stream.send(JSON.stringify({ type: replyType, msgKey, errStatus, detail: `${errStatus}: ${refused}` }));
  }

  #blocked(): boolean {
    const { quick, read } = this.#inHand;
    if (quick >= MAX_IN_HAND || read >= MAX_READS || this.#stream.bufferedBytes > PAUSE_BYTES) return true;
    return this.#answerer.congestion() !== undefined;
  }

  /** Reads nothing until there is room again; then what came already goes first. */
  async #hold(): Promise<void> {
    if (this.#held) return;
    this.#held = true;
    this.#stream.pause();
    while (this.#blocked() && !this.#gone.signal.aborted) await this.#relief();
    this.#held = false;
    const inbox = this.#inbox;
    this.#inbox = [];
    try {
      for (const frame of inbox) {
        if (this.#held) this.#inbox.push(frame);
        else this.#take(frame);
      }
    } catch (error) {
      this.#stream.destroy(error instanceof Error ? error : new WireError(String(error)));
    }
    if (!this.#held && !this.#isFinishing) this.#stream.resume();
    this.#wake();
  }

  async #relief(): Promise<void> {
    const congestion = this.#answerer.congestion();
    if (congestion) return await congestion;
    if (this.#stream.bufferedBytes > PAUSE_BYTES) return await this.#drained();
    await this.#nextAnswer(this.#gone.signal);
  }

  /** Something came that is not answered; who waits for something to happen does not count. */
  #isBusy(): boolean {
    return this.#held || this.#inHand.quick + this.#inHand.read > 0;
  }

  async #nextAnswer(limit: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        limit.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      limit.addEventListener('abort', done);
    });
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const done of waiters) done();
  }

  /** Resolves when the client has read, or has left. */
  async #drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#draining.delete(done);
        resolve();
      };
      this.#draining.add(done);
      this.#stream.onceDrained(done);
    });
  }
}

const CLOSING = Buffer.from('}');

function burdenOf(request: Request): Burden {
  switch (request.type) {
    case 'get_range':
      return 'read';
    case 'wait_for_procs':
      return 'waiting';
    case 'proc':
    case 'available_proc':
      return request.data.waitMs > 0 ? 'waiting' : 'quick';
    default:
      return 'quick';
  }
}
