import type { Logger } from '../support/index.js';
import { type Capability, OFFERED } from './capabilities.js';
import { componentMessage, statusMessage } from './messages.js';
import type { Network, NetworkEvent } from './network.js';
import { createPayloadCheck, type PayloadCheck } from './payload-check.js';
import { type ProtocolCounts, ProtocolSession, type Send } from './session.js';
import type { Outgoing } from './wire.js';

export interface ProtocolOptions {
  readonly network: Network;
  readonly log: Logger;
  /** What clients may do. @default all that works */
  readonly capabilities?: readonly Capability[];
  /** After so long a request is answered with an error. @default 10,000 */
  readonly answerWithinMs?: number;
}

/** The FBP runtime protocol over one network, for any number of clients. Whoever makes it closes it. */
export class Protocol {
  readonly #options: Required<ProtocolOptions>;
  readonly #sessions = new Set<ProtocolSession>();
  readonly #check: PayloadCheck = createPayloadCheck();
  readonly #counts = { received: 0, refused: 0, failed: 0 };
  readonly #unsubscribe: () => void;

  constructor(options: ProtocolOptions) {
    this.#options = { capabilities: OFFERED, answerWithinMs: 10_000, ...options };
    this.#unsubscribe = options.network.subscribe((event) => this.#tellAll(event));
  }

  /** Takes a client on; `close` the session when the client goes. */
  open(send: Send): ProtocolSession {
    const { network, log, capabilities, answerWithinMs } = this.#options;
    const count = (what: keyof ProtocolCounts): void => {
      this.#counts[what] += 1;
    };
    const session = new ProtocolSession(
      {
        network,
        log,
        capabilities,
        answerWithinMs,
        check: this.#check,
        count,
        closed: () => this.#sessions.delete(session),
      },
      send,
    );
    this.#sessions.add(session);
    return session;
  }

  get counts(): ProtocolCounts {
    return { ...this.#counts };
  }

  /** Ends all sessions. Idempotent. */
  close(): void {
    this.#unsubscribe();
    for (const session of this.#sessions) session.close();
  }

  /** Turns a change into a frame once, however many clients there are. */
  #tellAll(event: NetworkEvent): void {
    if (this.#sessions.size === 0) return;
    const message = messageFor(event, this.#options.network);
    const frame = JSON.stringify(message);
    for (const session of this.#sessions) session.tell(message, frame);
  }
}

function messageFor(event: NetworkEvent, network: Network): Outgoing {
  switch (event.kind) {
    case 'component':
      return { protocol: 'component', command: 'component', payload: componentMessage(event.component) };
    case 'status':
      return { protocol: 'network', command: 'status', payload: statusMessage(network) };
  }
}
