import type { SchemaObject } from 'ajv';
import type { Capability } from './capabilities.js';
import type { Client } from './client.js';
import type { Network } from './network.js';
import type { PayloadCheck } from './payload-check.js';
import type { Services } from './services.js';

/** One request on its way to its answers. */
export interface Exchange {
  readonly network: Network;
  readonly services: Services;
  /** The one who asked, as the origin of what it changes. */
  readonly client: Client;
  /** What this request may do. */
  readonly capabilities: readonly Capability[];
  /** Sends a message of the request's sub-protocol to the one who asked. */
  reply(command: string, payload: unknown): void;
  /** Like `reply`, but not as an answer: what goes before the answer and is none itself. */
  push(command: string, payload: unknown): void;
  /** Has this client told of changes from now on, as far as its capabilities go. */
  introduce(): void;
  /** A detail for the log that is no business of the client's. */
  warn(text: string): void;
}

/** A command of a sub-protocol: what its payload must look like, and who answers it. */
export interface Command {
  /** @throws {MsgfloError} whose message is for the client to read. */
  run(payload: unknown, check: PayloadCheck, exchange: Exchange): void | Promise<void>;
}

/** Ties a handler to the schema of its payload, so that it sees only what fits; `P` says what the schema promises. */
export function command<P>(
  schema: SchemaObject,
  handle: (payload: P, exchange: Exchange) => void | Promise<void>,
): Command {
  return { run: (payload, check, exchange) => handle(check<P>(schema, payload), exchange) };
}
