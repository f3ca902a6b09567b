import type { Socket } from 'node:net';
import type { Engine } from '../engine/index.js';
import { MsgfloError } from '../errors.js';
import type { Logger } from '../support/index.js';
import { type Abilities, ClientDoor } from './client-door.js';

export interface ClientDoorsOptions {
  readonly engine: Engine;
  readonly abilities: Abilities;
  readonly log: Logger;
}

/** All clients of the queues, through whichever listener they came. */
export class ClientDoors {
  readonly #options: ClientDoorsOptions;
  readonly #open = new Set<ClientDoor>();
  #refused = 0;

  constructor(options: ClientDoorsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Connections that were ended because of what came over them. */
  get refused(): number {
    return this.#refused;
  }

  /** @param token that its `hello` must have; absent where the file system or TLS guards the listener */
  accept(socket: Socket, token: string | undefined): void {
    const { engine, abilities, log } = this.#options;
    const door: ClientDoor = new ClientDoor(socket, {
      engine,
      abilities,
      token,
      onEnd: (reason) => {
        this.#open.delete(door);
        // Of a connection that merely broke, its own side knows more.
        if (!(reason instanceof MsgfloError)) return;
        this.#refused += 1;
        log.warnOnce(reason.message, `ended a connection: ${reason.message}`);
      },
    });
    this.#open.add(door);
  }

  /** Reads no more, answers what can be answered, and lets everybody go; at once when `limit` aborts. */
  async finish(limit: AbortSignal): Promise<void> {
    // Who does not read what is written is not waited for.
    limit.addEventListener('abort', () => {
      for (const door of this.#open) door.destroy();
    });
    await Promise.all([...this.#open].map((door) => door.finish(limit)));
  }
}
