import { randomUUID } from 'node:crypto';
import type { QueueName } from '../../names.js';
import { type Logger, within } from '../../support/index.js';
import { HEADER, type KeptLetter, type LetterVisit, NotConnectedError } from '../index.js';
import type { Arrival } from './arrivals.js';
import { Intake } from './intake.js';
import type { Outlet } from './outlet.js';
import { EMPTY_HEADER, withoutOurs } from './own-headers.js';
import type { Incoming, Publication } from './session.js';
import { heldDeadLetterTopic } from './topics.js';

export interface DeadLetterVisitOptions {
  readonly inqueue: QueueName;
  readonly address: URL;
  readonly id: string;
  readonly outlet: Outlet;
  /** Published when the connection of the round dies. */
  readonly will: Publication;
  /** The client is closed, or gone. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Looks at one letter and says what becomes of it. */

interface Found extends KeptLetter {
  readonly topic: string;
  readonly atMs: number;
}

/** Letters that are in memory at a time; the rest of them is asked for again afterwards. */
const MAX_BYTES = 64 * 1024 * 1024;
/** So many of what it keeps does a broker send at least, by default, before it drops the rest. */
const MOST_SENT = 1000;

/** So long nothing may come before the end of what is kept is asked for again, in ms. */
const MARK_AGAIN_MS = 500;

/** One round over what is kept under `dead/<inqueue>/`, on a connection of its own. */
export class DeadLetterVisit {
  readonly #options: DeadLetterVisitOptions;
  readonly #intake: Intake;
  readonly #seen = new Set<string>();
  #page: Found[] = [];
  #pageBytes = 0;
  /** Those seen before are among them. */
  #shown = 0;
  #isCut = false;
  #marker = '';
  #ended: () => void = () => undefined;

  constructor(options: DeadLetterVisitOptions) {
    this.#options = options;
    const { address, id, outlet, will, log } = options;
    this.#intake = new Intake({
      address,
      clientId: `${id}-dead-${randomUUID().slice(0, 8)}`,
      protocol: outlet.protocol,
      keptSeconds: 0,
      will,
      onArrival: (arrival) => this.#take(arrival),
      onTaken: () => undefined,
      log,
    });
  }

  /** The number of those visited. @throws {NotConnectedError} when the client is closed meanwhile */
  async run(visit: LetterVisit): Promise<number> {
    const { signal } = this.#options;
    const kill = (): void => this.#intake.kill();
    signal.addEventListener('abort', kill);
    try {
      await this.#intake.open(signal);
      return await this.#unlessClosed(this.#visitAll(visit));
    } finally {
      signal.removeEventListener('abort', kill);
      await this.#intake.end();
    }
  }

  async #visitAll(visit: LetterVisit): Promise<number> {
    let count = 0;
    do {
      await this.#look();
      for (const { topic, key, body, headers } of this.#page) {
        this.#options.signal.throwIfAborted();
        const fate = await visit({ key, body, headers });
        count += 1;
        if (fate === 'stop') return count;
        if (fate === 'remove') await this.#clear(topic);
      }
    } while (this.#isCut && this.#page.length > 0);
    const { inqueue, log } = this.#options;
    const rest = 'a broker sends some 1,000 at once, the rest is seen when some are removed';
    if (this.#isCut) log.warn(`'${inqueue}' may have more dead letters than these ${count}: ${rest}`);
    return count;
  }

  /** Everything kept comes at the subscription, before what is sent afterwards. */
  async #look(): Promise<void> {
    const { inqueue } = this.#options;
    const filter = `${heldDeadLetterTopic(inqueue, '')}+`;
    this.#page = [];
    this.#pageBytes = 0;
    this.#isCut = false;
    this.#shown = 0;
    this.#marker = heldDeadLetterTopic(inqueue, `end-${randomUUID()}`);
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    await this.#intake.subscribe(filter, { qos: 1 });
    await this.#mark(ended);
    await this.#intake.unsubscribe(filter);
    this.#page.sort((a, b) => a.atMs - b.atMs);
  }

  /** A broker whose queue for us is full drops the marker as well, and letters before it. */
  async #mark(ended: Promise<void>): Promise<void> {
    const { outlet, signal } = this.#options;
    let isEnded = false;
    const noted = ended.then(() => {
      isEnded = true;
    });
    for (;;) {
      await outlet.publish({ topic: this.#marker, payload: Buffer.alloc(0) });
      await within(noted, MARK_AGAIN_MS);
      if (isEnded) return;
      signal.throwIfAborted();
      this.#isCut = true;
    }
  }

  #take(arrival: Arrival): void {
    const { message } = arrival;
    if (message.topic === this.#marker) this.#ended();
    else if (message.retain && message.payload.length > 0) this.#add(message);
    arrival.settle();
  }

  #add({ topic, payload, headers }: Incoming): void {
    const key = topic.slice(heldDeadLetterTopic(this.#options.inqueue, '').length);
    this.#shown += 1;
    if (this.#shown >= MOST_SENT) this.#isCut = true;
    if (this.#seen.has(key)) return;
    if (this.#pageBytes > MAX_BYTES) {
      this.#isCut = true;
      return;
    }
    this.#seen.add(key);
    this.#pageBytes += payload.length;
    // The payload is a part of a larger piece that was read.
    const { [EMPTY_HEADER]: isEmpty, ...own } = withoutOurs(headers);
    const body = isEmpty === undefined ? Buffer.from(payload) : Buffer.alloc(0);
    this.#page.push({ topic, key, body, headers: own, atMs: Number(headers[HEADER.deadAt] ?? 0) });
  }

  async #clear(topic: string): Promise<void> {
    await this.#options.outlet.publish({ topic, payload: Buffer.alloc(0), retain: true });
  }

  /** A connection that is gone for good answers nothing any more. */
  async #unlessClosed<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#options;
    let stop = (): void => undefined;
    const closed = new Promise<never>((_, reject) => {
      stop = () => reject(new NotConnectedError('visitDeadLetters'));
      signal.addEventListener('abort', stop);
    });
    work.catch(() => undefined);
    return Promise.race([work, closed]).finally(() => signal.removeEventListener('abort', stop));
  }
}
