import { announcementOf, type Definition, DISCOVERY_NOTICE, ROLL_CALL_NOTICE } from '../discovery/index.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';
import type { Client, Subscription } from '../transport/index.js';

const MAX_JITTER_MS = 5000;

export interface AnnouncerOptions {
  readonly client: Client;
  /** The definitions as they are just now. */
  readonly definitions: () => readonly Definition[];
  readonly intervalMs: number;
  readonly log: Logger;
  /** Called with each definition that the broker has taken. */
  readonly onSent?: (definition: Definition) => void;
  /** Called when the roll is answered: what else is to be told then. */
  readonly onRollCall?: () => void;
}

/**
 * Announces definitions on the discovery notice: when told to, every `intervalMs`, and when the roll is called. A
 * roll-call may ask for answers spread over some time: `{"jitterMs": 200}`.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  #timer: NodeJS.Timeout | undefined;
  #answer: NodeJS.Timeout | undefined;
  #rollCall: Subscription | undefined;
  #stopped = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Resolves when the first announcement is out. */
  async start(): Promise<void> {
    const { client, intervalMs } = this.#options;
    this.#rollCall = await client.watch(ROLL_CALL_NOTICE, (body) => this.#answerLater(jitterOf(body)));
    this.#timer = setInterval(() => this.announceSoon(), intervalMs);
    await this.announce();
  }

  /** @throws {NotConnectedError} */
  async announce(): Promise<void> {
    for (const definition of this.#options.definitions()) await this.announceOne(definition);
  }

  /** @throws {NotConnectedError} */
  async announceOne(definition: Definition): Promise<void> {
    const { client, onSent } = this.#options;
    await client.notify({ name: DISCOVERY_NOTICE, body: announcementOf(definition) });
    onSent?.(definition);
  }

  /** The same, for who cannot wait: a failure is logged. */
  announceSoon(): void {
    if (this.#stopped) return;
    this.announce().catch((error: unknown) => this.#options.log.debug(`could not announce: ${messageOf(error)}`));
  }

  /** Nothing is announced afterwards. Idempotent. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    clearTimeout(this.#answer);
    this.#rollCall?.cancel().catch((error: unknown) => this.#options.log.debug(messageOf(error)));
  }

  #answerLater(jitterMs: number): void {
    clearTimeout(this.#answer);
    if (jitterMs === 0) this.#answerNow();
    else this.#answer = setTimeout(() => this.#answerNow(), Math.random() * jitterMs);
  }

  #answerNow(): void {
    this.announceSoon();
    this.#options.onRollCall?.();
  }
}

function jitterOf(body: Buffer): number {
  try {
    const asked: unknown = JSON.parse(body.toString('utf8'));
    if (asked === null || typeof asked !== 'object' || !('jitterMs' in asked)) return 0;
    return typeof asked.jitterMs === 'number' ? Math.min(Math.max(asked.jitterMs, 0), MAX_JITTER_MS) : 0;
  } catch {
    return 0;
  }
}
