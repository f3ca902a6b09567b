import { type LogNode, splitSource } from '../log/index.js';
import type { QueueName } from '../names.js';
import type { EngineMessage, EngineOutput, Stop } from './engine.js';

const NONE = Buffer.alloc(0);

type Handler = (message: EngineMessage) => void;

/** Those who look on at outqueues: at what was committed there by anybody, and at what nobody took. */
export class Taps {
  readonly #node: LogNode;
  readonly #handlers = new Map<QueueName, Set<Handler>>();

  constructor(node: LogNode) {
    this.#node = node;
  }

  tap(outqueue: QueueName, handler: Handler): Stop {
    const own: Handler = (message) => handler(message);
    const stop = this.#node.onCommit(outqueue, ({ body, headers }) =>
      own({ body: asBuffer(body), headers: headers ? splitSource(asBuffer(headers)).headers : NONE }),
    );
    const handlers = this.#handlers.get(outqueue) ?? new Set();
    this.#handlers.set(outqueue, handlers.add(own));
    return () => {
      stop();
      handlers.delete(own);
      if (handlers.size === 0 && this.#handlers.get(outqueue) === handlers) this.#handlers.delete(outqueue);
    };
  }

  /** Who looks on sees also what nobody takes: senders may well drop it then. */
  showUntaken(outputs: readonly EngineOutput[]): void {
    if (this.#handlers.size === 0) return;
    for (const { kind, name, body, headers } of outputs)
      if (kind === 'outqueue') for (const show of this.#handlers.get(name) ?? []) show({ body, headers });
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
