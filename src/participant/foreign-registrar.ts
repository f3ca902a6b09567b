import type { Definition } from '../discovery/index.js';
import { createLogger, type Logger } from '../support/index.js';
import type { Client } from '../transport/index.js';
import { Announcer } from './announcer.js';

export interface ForeignRegistrarOptions {
  /** Connected. The registrar does not close it. */
  readonly client: Client;
  readonly definitions: readonly Definition[];
  readonly intervalMs: number;
  readonly log?: Logger;
  /** Called for each announcement that the broker has taken. */
  readonly onSent?: (definition: Definition) => void;
}

/** Announces participants that cannot do it themselves: at once, at an interval, and when the roll is called. */
export class ForeignRegistrar {
  readonly #definitions = new Map<string, Definition>();
  readonly #announcer: Announcer;

  constructor({ client, definitions, intervalMs, onSent, log = createLogger('register') }: ForeignRegistrarOptions) {
    for (const definition of definitions) this.#definitions.set(definition.id, definition);
    this.#announcer = new Announcer({
      client,
      definitions: () => [...this.#definitions.values()],
      intervalMs,
      log,
      ...(onSent ? { onSent } : {}),
    });
  }

  get size(): number {
    return this.#definitions.size;
  }

  has(id: string): boolean {
    return this.#definitions.has(id);
  }

  /** Resolves when all have been announced. */
  start(): Promise<void> {
    return this.#announcer.start();
  }

  /** Announces all of them once. */
  announce(): Promise<void> {
    return this.#announcer.announce();
  }

  /** Announces one more, now and from now on. One of the same id is replaced. */
  async add(definition: Definition): Promise<void> {
    this.#definitions.set(definition.id, definition);
    await this.#announcer.announceOne(definition);
  }

  /** The participants are not gone by this: nobody speaks for them any more. */
  stop(): void {
    this.#announcer.stop();
  }
}
