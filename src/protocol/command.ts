import type { SchemaObject } from 'ajv';
import type { Capability } from './capabilities.js';
import type { Network } from './network.js';
import type { PayloadCheck } from './payload-check.js';

/** One request on its way to its answers. */
export interface Exchange {
  readonly network: Network;
  /** What this client may do. */
  readonly capabilities: readonly Capability[];
  /** Sends a message of the request's sub-protocol to the one who asked. */
  reply(command: string, payload: unknown): void;
  /** Has this client told of changes from now on. */
  watch(): void;
  /** A detail for the log that is no business of the client's. */
  warn(text: string): void;
}

/** A command of a sub-protocol: what its payload must look like, and who answers it. */
export interface Command {
  /** @throws {RequestError} for the client to read. */
  run(payload: unknown, check: PayloadCheck, exchange: Exchange): void | Promise<void>;
}

/** Ties a handler to the schema of its payload, so that it sees only what fits; `P` says what the schema promises. */
export function command<P>(
  schema: SchemaObject,
  handle: (payload: P, exchange: Exchange) => void | Promise<void>,
): Command {
  return { run: (payload, check, exchange) => handle(check<P>(schema, payload), exchange) };
}
