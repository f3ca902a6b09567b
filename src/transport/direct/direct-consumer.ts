import type {
  EngineConsumer,
  EngineDelivery,
  EngineMessage,
  EngineSettlement,
  Outcome,
  Submission,
} from '../../engine/index.js';
import { messageOf, UnsupportedError } from '../../errors.js';
import { readHeaders, writeHeaders } from '../../log/index.js';
import type { QueueName } from '../../names.js';
import {
  type Consumer,
  type Delivery,
  deadLetterHeaders,
  decodePayload,
  encodePayload,
  type Handler,
  InHand,
  type Output,
  RefusedError,
  runHandler,
  type Settlement,
  type SettlingAttempt,
  settleReleasing,
  stamped,
} from '../index.js';

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
    const delivery: Delivery = { data, headers: readHeaders(headers).headers, redelivered };
    const settlement = await runHandler(this.#handler, delivery);
    let isCarriedOut = false;
    try {
      isCarriedOut = await this.#settle(tag, { body, headers }, settlement);
    } catch (error) {
      // What cannot be written as JSON, or is too large, is the handler's failure, as a throw is.
      const failure = { verdict: { deadLetter: messageOf(error) }, outputs: [] };
      await this.#settle(tag, { body, headers }, failure).catch(() => undefined);
    } finally {
      settlement.settled?.(isCarriedOut);
    }
  }

  #settle(tag: number, original: EngineMessage, { verdict, outputs }: Settlement): Promise<boolean> {
    return settleReleasing({
      outputs,
      holds: () => this.#holds,
      attempt: async (wanted, hold) => {
        const settlement = this.#encode(original, { verdict, outputs: wanted }, hold);
        return this.#attempt(tag, settlement, wanted);
      },
    });
  }

  #attempt(tag: number, settlement: EngineSettlement, outputs: readonly Output[]): Promise<SettlingAttempt> {
    return new Promise((resolve, reject) => {
      let waiting: AbortController | undefined;
      const end = (attempt: SettlingAttempt): void => {
        waiting?.abort();
        resolve(attempt);
      };
      const submission = this.#engine?.settle(tag, settlement, (outcome) => {
        queueMicrotask(() => submission && this.#waiting.delete(submission));
        if (outcome.state === 'refused') reject(new RefusedError(outcome.text));
        end(attemptOf(outcome)); // of no effect where it was refused
      });
      if (!submission) return end('gone');
      if (submission.waitsFor === 'nothing') return;
      const withdraw = (attempt: SettlingAttempt) => () => {
        this.#waiting.delete(submission);
        submission.cancel();
        end(attempt);
      };
      this.#waiting.set(submission, withdraw('gone'));
      waiting = new AbortController();
      const { signal } = waiting;
      for (const { release } of outputs) release?.signal.addEventListener('abort', withdraw('again'), { signal });
    });
  }

  /** Without a hold, a settlement whose output nobody takes is not carried out: the delivery is given back at the end. */
  #encode({ body, headers }: EngineMessage, settlement: Settlement, hold: boolean): EngineSettlement {
    const { verdict, outputs } = settlement;
    return {
      hold,
      outputs: outputs.map(({ outqueue, data, headers: own, mandatory = false }) => ({
        kind: 'outqueue',
        name: outqueue,
        body: encodePayload(data),
        headers: writeHeaders(stamped(own)),
        mandatory,
      })),
      verdict:
        typeof verdict === 'string'
          ? verdict
          : {
              deadLetter: {
                body,
                headers: writeHeaders(deadLetterHeaders(this.#inqueue, readHeaders(headers).headers, verdict)),
              },
            },
    };
  }
}

function attemptOf(outcome: Outcome): SettlingAttempt {
  if (outcome.state === 'unrouted') return { unrouted: outcome.queue };
  return outcome.state === 'done' ? 'done' : 'gone';
}
