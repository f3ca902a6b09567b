import { Backoff } from '../support/index.js';
import { type Client, encodePayload, HEADER, type Message, type Output, UnroutedError } from '../transport/index.js';
import type { Outport } from './outport.js';

type Headers = Readonly<Record<string, string>>;

/** A message on its way to an outport. Encoded when it was sent, so that the author may change the data afterwards. */
export interface Outgoing {
  readonly outport: Outport;
  readonly message: Message & { readonly data: Buffer };
}

const JSON_HEADERS: Headers = Object.freeze({ [HEADER.contentType]: 'application/json' });

/** @throws {TypeError} for data that is not JSON: circular, a BigInt */
export function outgoing(outport: Outport, data: unknown, headers?: Headers): Outgoing {
  const bytes = encodePayload(data);
  if (data instanceof Uint8Array) return { outport, message: headers ? { data: bytes, headers } : { data: bytes } };
  return { outport, message: { data: bytes, headers: headers ? { ...JSON_HEADERS, ...headers } : JSON_HEADERS } };
}

/** Where outputs leave: by themselves and confirmed, or as the outputs of a settlement. Follows the outports' states. */
export class Outlet {
  readonly #client: Client;
  readonly #stopping: AbortSignal;

  constructor(client: Client, stopping: AbortSignal) {
    this.#client = client;
    this.#stopping = stopping;
  }

  /**
   * Resolves when the broker has the message and a queue took it, or when it was dropped.
   * @throws {StoppedError} when the participant stops while the outport waits
   */
  async send({ outport, message }: Outgoing): Promise<void> {
    let backoff: Backoff | undefined;
    for (;;) {
      if (outport.state === 'waiting') await outport.untilDecided();
      if (outport.state === 'unconnected') return outport.drop();
      try {
        return await this.#client.send('outqueue', outport.queue, message, { mandatory: true });
      } catch (error) {
        if (!(error instanceof UnroutedError)) throw error;
        if (outport.state === 'unwired' && !outport.holdsUnrouted) return outport.drop();
      }
      backoff ??= new Backoff(20, 2000);
      await backoff.wait(this.#stopping);
    }
  }

  /** Sends all of them in order, as `send`. Rejects with the first failure once none is under way any more. */
  async sendAll(all: readonly Outgoing[]): Promise<void> {
    const results = await Promise.allSettled(all.map((each) => this.send(each)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /**
   * The outputs of a settlement: those of connected outports, for the transport to hold until a queue takes them. What
   * must be counted if nobody takes it cannot be told afterwards, and so is sent before.
   * @throws {StoppedError}
   */
  outputs(all: readonly Outgoing[]): readonly Output[] | Promise<readonly Output[]> {
    return all.every(({ outport }) => outport.state === 'ready') ? all.map(outputOf) : this.#decided(all);
  }

  async #decided(all: readonly Outgoing[]): Promise<readonly Output[]> {
    const outputs: Output[] = [];
    const tried: Outgoing[] = [];
    for (const each of all) {
      const { outport } = each;
      if (outport.state === 'waiting') await outport.untilDecided();
      if (outport.state === 'unconnected') outport.drop();
      else if (outport.state === 'unwired' && !outport.holdsUnrouted) tried.push(each);
      else outputs.push(outputOf(each));
    }
    if (tried.length > 0) await this.sendAll(tried);
    return outputs;
  }
}

const outputOf = ({ outport, message }: Outgoing): Output => ({ ...message, outqueue: outport.queue, mandatory: true });
