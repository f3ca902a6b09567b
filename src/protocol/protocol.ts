import type { Logger } from '../support/index.js';
import { Access, type AccessRules } from './access.js';
import { type Capability, OFFERED } from './capabilities.js';
import { changeMessages, isChange, type NetworkChange } from './change-messages.js';
import { DataFeed } from './data-feed.js';
import type { Network, NetworkEvent, Origin } from './network.js';
import { createPayloadCheck, type PayloadCheck } from './payload-check.js';
import { PortsNotice } from './ports-notice.js';
import type { Services } from './services.js';
import { type ProtocolCounts, ProtocolSession, type Send } from './session.js';
import { Tracer } from './tracer.js';
import { Watchers } from './watchers.js';
import { frameOf, type Outgoing } from './wire.js';

export interface ProtocolOptions {
  readonly network: Network;
  readonly log: Logger;
  /** Who may do what. @default everything to everybody */
  readonly access?: AccessRules;
  /** After so long a request is answered with an error. @default 10,000 */
  readonly answerWithinMs?: number;
}

const OPEN_TO_ALL: AccessRules = { anonymous: OFFERED, secrets: [] };

/** The FBP runtime protocol over one network, for any number of clients. Whoever makes it closes it. */
export class Protocol {
  readonly #network: Network;
  readonly #log: Logger;
  readonly #access: Access;
  readonly #answerWithinMs: number;
  readonly #sessions = new Set<ProtocolSession>();
  readonly #check: PayloadCheck = createPayloadCheck();
  readonly #counts = { received: 0, refused: 0, forbidden: 0, wrongSecret: 0, failed: 0 };
  readonly #services: Services;
  readonly #unsubscribe: () => void;

  /** @throws {RangeError} for rules that make no sense */
  constructor({ network, log, access = OPEN_TO_ALL, answerWithinMs = 10_000 }: ProtocolOptions) {
    this.#network = network;
    this.#log = log;
    this.#access = new Access(access);
    this.#answerWithinMs = answerWithinMs;
    const tracer = new Tracer({ network });
    this.#services = {
      tracer,
      feed: new DataFeed({ network, clients: () => this.#sessions, tracer }),
      watchers: new Watchers({ network, log }),
      ports: new PortsNotice(network),
    };
    this.#unsubscribe = network.subscribe((event) => this.#take(event));
  }

  /** Whether who gives this secret may do that, for what is told beside the protocol. */
  permits(secret: string | undefined, capability: Capability): boolean {
    const { capabilities, isWrongSecret } = this.#access.grantFor(secret);
    if (isWrongSecret) this.#counts.wrongSecret += 1;
    return capabilities.includes(capability);
  }

  /** Takes a client on; `close` the session when the client goes. */
  open(send: Send): ProtocolSession {
    const { feed, watchers } = this.#services;
    const session = new ProtocolSession(
      {
        network: this.#network,
        services: this.#services,
        access: this.#access,
        check: this.#check,
        log: this.#log,
        answerWithinMs: this.#answerWithinMs,
        count: (what) => {
          this.#counts[what] += 1;
        },
        introduced: (client) => feed.introduced(client),
        closed: (client) => {
          this.#sessions.delete(session);
          feed.forget(client);
          watchers.unwatch(client);
        },
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
    this.#services.watchers.close();
  }

  #take(event: NetworkEvent): void {
    if (event.kind === 'states') this.#services.watchers.changed();
    else if (isChange(event)) this.#tellChange(event);
    else this.#services.feed.take(event);
  }

  #tellChange(change: NetworkChange): void {
    const by = 'by' in change ? change.by : undefined;
    for (const message of changeMessages(change, this.#network)) this.#tell(message, by);
    this.#services.ports.tellIfChanged(this.#sessions);
  }

  /** Makes a message into a frame once, however many clients there are, and only if there are any but the one who knows. */
  #tell(message: Outgoing, by?: Origin): void {
    const others = [...this.#sessions].filter((session) => session !== by);
    if (others.length === 0) return;
    const frame = frameOf(message);
    for (const session of others) session.tell(message, frame);
  }
}
