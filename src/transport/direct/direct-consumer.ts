import type { EngineConsumer, EngineDelivery, EngineSettlement, Submission } from '../../engine/index.js';
import { messageOf, UnsupportedError } from '../../errors.js';
import type { QueueName } from '../../names.js';
import {
  type Consumer,
  type Delivery,
  deadLetterHeaders,
  decodePayload,
  encodePayload,
  type Handler,
  InHand,
  runHandler,
  type Settlement,
  withMessageId,
} from '../index.js';

type Headers = Readonly<Record<string, string>>;

/** Runs a handler over the deliveries of one engine consumer and settles them. */
export class DirectConsumer implements Consumer {
  readonly #inqueue: QueueName;
  readonly #handler: Handler;
  readonly #inHand = new InHand();
  /** Settlements that wait for a taker of a mandatory output, or for room. */
  readonly #waiting = new Map<Submission, () => void>();
  readonly #onEnd: (consumer: DirectConsumer) => void;
  #engine: EngineConsumer | undefined;
  #holds = true;

  constructor(inqueue: QueueName, handler: Handler, onEnd: (consumer: DirectConsumer) => void) {
    this.#inqueue = inqueue;
    this.#handler = handler;
    this.#onEnd = onEnd;
  }

  attach(engine: EngineConsumer): void {
    this.#engine = engine;
  }

  take(delivery: EngineDelivery): void {
    this.#inHand.add(Promise.resolve().then(() => this.#work(delivery)));
  }

  async listenTo(): Promise<void> {
    throw new UnsupportedError('listenTo: this broker binds; use bind()');
  }

  async cancel(): Promise<void> {
    this.#engine?.pause();
    await this.#inHand.idle();
    this.#end();
  }

  /** As `cancel`, but gives back at once what waits for a taker, and after `graceMs` what is still in hand. */
  async close(graceMs: number): Promise<void> {
    this.#engine?.pause();
    this.#holds = false;
    for (const [submission, giveUp] of [...this.#waiting]) if (submission.waitsFor === 'route') giveUp();
    await this.#inHand.idle(graceMs);
    this.#end();
  }

  #end(): void {
    this.#engine?.end();
    this.#onEnd(this);
  }

  async #work({ tag, body, headers, redelivered }: EngineDelivery): Promise<void> {
    const parsed = decodePayload(body);
    // Other inqueues may hold the same message: what a handler does to its copy stays with it.
    const data = parsed === body ? Buffer.from(body) : parsed;
    const delivery: Delivery = { data, headers: { ...headers }, redelivered };
    const settlement = this.#translate(body, headers, await runHandler(this.#handler, delivery));
    const engine = this.#engine;
    if (!engine) return;
    await new Promise<void>((resolve) => {
      const submission = engine.settle(tag, settlement, () => {
        queueMicrotask(() => this.#waiting.delete(submission));
        resolve();
      });
      if (submission.waitsFor === 'nothing') return;
      this.#waiting.set(submission, () => {
        this.#waiting.delete(submission);
        submission.cancel();
        resolve();
      });
    });
  }

  /** What cannot be written as JSON is the handler's failure, as a throw is. */
  #translate(body: Buffer, headers: Headers, settlement: Settlement): EngineSettlement {
    try {
      return this.#encode(body, headers, settlement);
    } catch (error) {
      return this.#encode(body, headers, { verdict: { deadLetter: messageOf(error) }, outputs: [] });
    }
  }

  /** Without a hold, a settlement whose output nobody takes is not carried out: the delivery is given back at the end. */
  #encode(body: Buffer, headers: Headers, settlement: Settlement): EngineSettlement {
    const { verdict, outputs } = settlement;
    return {
      hold: this.#holds,
      outputs: outputs.map(({ outqueue, data, headers: own, mandatory = false }) => ({
        kind: 'outqueue',
        name: outqueue,
        body: encodePayload(data),
        headers: withMessageId(own),
        mandatory,
      })),
      verdict:
        typeof verdict === 'string'
          ? verdict
          : { deadLetter: { body, headers: deadLetterHeaders(this.#inqueue, headers, verdict) } },
    };
  }
}
