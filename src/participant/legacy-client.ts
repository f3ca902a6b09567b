import { DISCOVERY_NOTICE, goneMessageOf } from '../discovery/index.js';
import { messageOf, UnsupportedError } from '../errors.js';
import { asParticipantId, asQueueName, asRole } from '../names.js';
import { type Logger, within } from '../support/index.js';
import type { Client, Consumer, QueueKind, Settlement, Verdict } from '../transport/index.js';

type Callback = (error: Error | null) => void;

/** A message as modules of the older shape get it; the same object comes back when it is acked or nacked. */
export interface LegacyMessage {
  readonly data: unknown;
}

export interface LegacyClientOptions {
  /** Gives up connecting. */
  readonly signal: AbortSignal;
  /** How long what is in hand may take when it disconnects. */
  readonly graceMs: number;
  readonly log: Logger;
}

/** What old clients had in flight on AMQP. Those of MQTT knew no bound. */
const PREFETCH = 2;
const NO_CALLBACK: Callback = () => undefined;

/**
 * Our client with the methods that modules of the older shape call, callbacks and all, so that they run on every
 * transport of ours. `nackMessage` is a dead letter. `sendTo` calls back once the broker has the message.
 */
export class LegacyClient {
  readonly #client: Client;
  readonly #signal: AbortSignal;
  readonly #graceMs: number;
  readonly #log: Logger;
  readonly #registered = new Map<string, string>();
  readonly #consumers = new Set<Consumer>();
  readonly #settle = new WeakMap<LegacyMessage, (verdict: Verdict) => void>();

  constructor(client: Client, { signal, graceMs, log }: LegacyClientOptions) {
    this.#client = client;
    this.#signal = signal;
    this.#graceMs = graceMs;
    this.#log = log;
  }

  connect(callback: Callback = NO_CALLBACK): void {
    answer(this.#client.connect({ signal: this.#signal }), callback);
  }

  disconnect(callback: Callback = NO_CALLBACK): void {
    answer(this.#leave(), callback);
  }

  createQueue(kind: string, name: string, options: unknown, callback?: Callback): void {
    const done = callback ?? (typeof options === 'function' ? (options as Callback) : NO_CALLBACK);
    const { persistent } = Object(options) as { persistent?: unknown };
    const settings = typeof persistent === 'boolean' ? { persistent } : {};
    answer(this.#client.declare(kindOf(kind), asQueueName(name), settings), done);
  }

  /** Queues outlive their users here: what waits in them is somebody's. */
  removeQueue(_kind: string, name: string, callback: Callback = NO_CALLBACK): void {
    answer(Promise.reject(new UnsupportedError(`queue '${name}' is not removed: participants only declare`)), callback);
  }

  sendTo(kind: string, name: string, data: unknown, callback: Callback = NO_CALLBACK): void {
    if (name === DISCOVERY_NOTICE) answer(this.#announce(data), callback);
    else answer(this.#client.send(kindOf(kind), asQueueName(name), { data }), callback);
  }

  /** The handler is to ack or nack every message that it is given. */
  subscribeToQueue(name: string, handler: (message: LegacyMessage) => void, callback: Callback = NO_CALLBACK): void {
    const consuming = this.#client.consume(
      asQueueName(name),
      ({ data }) =>
        new Promise<Settlement>((resolve, reject) => {
          const message: LegacyMessage = { data: Buffer.isBuffer(data) ? data.toString() : data };
          this.#settle.set(message, (verdict) => resolve({ verdict, outputs: [] }));
          try {
            handler(message);
          } catch (error) {
            reject(error instanceof Error ? error : new Error(messageOf(error)));
          }
        }),
      { prefetch: PREFETCH },
    );
    answer(
      consuming.then((consumer) => this.#consumers.add(consumer)),
      callback,
    );
  }

  ackMessage(message: LegacyMessage): void {
    this.#settle.get(message)?.('ack');
  }

  nackMessage(message: LegacyMessage): void {
    this.#settle.get(message)?.({ deadLetter: 'rejected by the participant' });
  }

  registerParticipant(definition: unknown, callback: Callback = NO_CALLBACK): void {
    answer(this.#announce({ protocol: 'discovery', command: 'participant', payload: definition }), callback);
  }

  async #announce(message: unknown): Promise<void> {
    const { payload } = Object(message) as { payload?: unknown };
    const { id, role } = Object(payload) as { id?: unknown; role?: unknown };
    if (typeof id === 'string' && typeof role === 'string') this.#registered.set(id, role);
    await this.#client.notify({ name: DISCOVERY_NOTICE, body: Buffer.from(JSON.stringify(message)) });
  }

  async #leave(): Promise<void> {
    await within(Promise.allSettled([...this.#consumers].map((consumer) => consumer.cancel())), this.#graceMs);
    if (this.#client.status === 'open') {
      const all = [...this.#registered].map(([id, role]) => ({ id: asParticipantId(id), role: asRole(role) }));
      this.#registered.clear();
      for (const gone of all) {
        const notice = { name: DISCOVERY_NOTICE, body: goneMessageOf(gone) };
        await this.#client.notify(notice).catch((error: unknown) => this.#log.debug(messageOf(error)));
      }
    }
    await this.#client.close({ graceMs: 0 });
  }
}

/** Calls back outside the promise, so that what a callback throws is an uncaught exception as its author expects. */
function answer(work: Promise<unknown>, callback: Callback): void {
  work.then(
    () => process.nextTick(callback, null),
    (error: unknown) => process.nextTick(callback, error instanceof Error ? error : new Error(messageOf(error))),
  );
}

function kindOf(kind: string): QueueKind {
  return kind === 'inqueue' ? 'inqueue' : 'outqueue';
}
