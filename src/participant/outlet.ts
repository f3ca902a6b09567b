import { Backoff } from '../support/index.js';
import {
  type Client,
  decodePayload,
  encodePayload,
  type InHand,
  type Output,
  QueueNotFoundError,
  UnroutedError,
} from '../transport/index.js';
import type { Outport } from './outport.js';
import { type OutputHeaders, TraceIds } from './trace-context.js';

type Headers = Readonly<Record<string, string>>;

/** A message on its way to an outport. Encoded when it was sent, so that the author may change the data afterwards. */
export interface Outgoing extends Output {
  readonly outport: Outport;
  readonly data: Buffer;
  /** Where it counts while a transport has it as the output of a settlement. */
  underway: InHand | undefined;
}

const MANDATORY = Object.freeze({ mandatory: true });

/**
 * @param known what the library puts on it
 * @throws {TypeError} for data that is not JSON: circular, a BigInt
 * @throws {SchemaError} for what the outport's schema rejects
 */
export function outgoing(outport: Outport, data: unknown, known: OutputHeaders, own?: Headers): Outgoing {
  if (data === undefined || typeof data === 'function' || typeof data === 'symbol') {
    throw new TypeError(`send('${outport.name}'): ${typeof data} is nothing that can be sent; null is`);
  }
  const bytes = encodePayload(data);
  // As who receives it will see it: what JSON makes of a date, or of bytes that are JSON.
  outport.schema?.check(decodePayload(bytes));
  return {
    outport,
    release: outport,
    underway: undefined,
    outqueue: outport.queue,
    data: bytes,
    headers: known.of(!(data instanceof Uint8Array), own),
    mandatory: true,
  };
}

/** Where outputs leave: by themselves and confirmed, or as the outputs of a settlement. Follows the outports' states. */
export class Outlet {
  /** For messages that no other is behind. */
  readonly traceIds = new TraceIds();
  readonly #client: Client;
  readonly #stopping: AbortSignal;
  readonly #onSent: () => void;

  /** @param onSent called when something has left, or was dropped, that is no output of a settlement */
  constructor(client: Client, stopping: AbortSignal, onSent: () => void) {
    this.#client = client;
    this.#stopping = stopping;
    this.#onSent = onSent;
  }

  /**
   * Resolves when the broker has the message and a queue took it, or when it was dropped.
   * @throws {StoppedError} when the participant stops while the outport waits
   */
  send(each: Outgoing): Promise<void> {
    if (each.outport.state !== 'ready') return this.#sendLater(each);
    const { outport } = each;
    const { underway } = outport;
    underway.begin();
    return this.#client.send('outqueue', each.outqueue, each, MANDATORY).then(
      () => {
        underway.end();
        outport.confirmed();
        this.#onSent();
      },
      (error: unknown) => {
        underway.end();
        if (!isUntaken(error)) throw error;
        return this.#sendLater(each);
      },
    );
  }

  async #sendLater(each: Outgoing): Promise<void> {
    const { outport } = each;
    const backoff = new Backoff(20, 2000);
    for (;;) {
      if (outport.state === 'waiting') await outport.untilDecided();
      if (outport.state === 'unconnected') return this.#drop(outport);
      try {
        return await this.#post(each);
      } catch (error) {
        if (!isUntaken(error)) throw error;
        if (outport.isTried) return this.#drop(outport);
      }
      await backoff
        .wait(AbortSignal.any([this.#stopping, outport.signal]))
        .catch(() => this.#stopping.throwIfAborted());
    }
  }

  async #post(each: Outgoing): Promise<void> {
    const { outport } = each;
    const { underway } = outport;
    underway.begin();
    try {
      await this.#client.send('outqueue', each.outqueue, each, MANDATORY);
      outport.confirmed();
      this.#onSent();
    } finally {
      underway.end();
    }
  }

  #drop(outport: Outport): void {
    outport.drop();
    this.#onSent();
  }

  /** Sends all of them in order, as `send`. Rejects with the first failure once none is under way any more. */
  async sendAll(all: readonly Outgoing[]): Promise<void> {
    const results = await Promise.allSettled(all.map((each) => this.send(each)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /**
   * The outputs of a settlement: those of connected outports, for the transport to hold until a queue takes them; they
   * are under way until `settled`. What must be counted if nobody takes it cannot be told afterwards, and so is sent before.
   * @throws {StoppedError}
   */
  outputs(all: readonly Outgoing[]): readonly Outgoing[] | Promise<readonly Outgoing[]> {
    if (!all.every(({ outport }) => outport.state === 'ready')) return this.#decided(all);
    for (const each of all) begin(each);
    return all;
  }

  async #decided(all: readonly Outgoing[]): Promise<readonly Outgoing[]> {
    const outputs: Outgoing[] = [];
    const tried: Outgoing[] = [];
    for (const each of all) {
      const { outport } = each;
      if (outport.state === 'waiting') await outport.untilDecided();
      if (outport.state === 'unconnected') outport.drop();
      else if (outport.isTried) tried.push(each);
      else outputs.push(each);
    }
    if (tried.length > 0) await this.sendAll(tried);
    for (const each of outputs) begin(each);
    return outputs;
  }
}

/** An outqueue that is not persistent goes with the last who is bound to it, and comes again with the next wiring. */
function isUntaken(error: unknown): boolean {
  return error instanceof UnroutedError || error instanceof QueueNotFoundError;
}

function begin(each: Outgoing): void {
  each.underway = each.outport.underway;
  each.underway.begin();
}

/** The settlement that had these outputs is done with. */
export function settled(outputs: readonly Outgoing[], isCarriedOut: boolean): void {
  for (const { underway, outport } of outputs) {
    underway?.end();
    if (isCarriedOut) outport.confirmed();
  }
}
