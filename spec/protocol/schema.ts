import { createRequire } from 'node:module';
import type { Told } from './fake-network.js';

interface Outcome {
  readonly errors: readonly { readonly message: string; readonly dataPath: string }[];
  readonly missing: readonly string[];
}

interface Validator {
  validateMultiple(message: unknown, schema: string): Outcome;
}

/**
 * The schemas that the makers of the protocol publish, and judge runtimes by. Loading them writes new names into tables
 * that `fbp-client` writes other names into: this copy is our own.
 */
const published = ownCopyOf('fbp-protocol/schema/index.js') as Validator;

function ownCopyOf(module: string): unknown {
  const load = createRequire(import.meta.url);
  const forget = (): void => {
    for (const path of Object.keys(load.cache))
      if (/[\\/]fbp-protocol[\\/]schema[\\/]/.test(path)) delete load.cache[path];
  };
  forget();
  try {
    return load(module);
  } finally {
    forget();
  }
}

/** What the published schemas say nothing of: two answers that they forgot, and what goes beyond the standard. */
const UNKNOWN = new Set([
  'network:debug',
  'network:persist',
  'network:watch',
  'network:nodes',
  'network:edgestates',
  'network:queue',
]);

/** What is wrong with a message to a client by the published schemas; undefined for a good one. */
export function faultOf(message: Told): string | undefined {
  const { protocol, command } = message;
  if (UNKNOWN.has(`${protocol}:${command}`)) return undefined;
  const schema = `/${protocol}/output/${command}`;
  const { errors, missing } = published.validateMultiple(message, schema);
  if (missing.length > 0) return `${schema} is no message of the standard`;
  const [error] = errors;
  return error && `${schema}: ${error.message} at ${error.dataPath}: ${JSON.stringify(message)}`;
}

const faults: string[] = [];

/** Fails the spec that is running, at its end, if the message breaks its schema: wherever it went, and whoever looks. */
export function checkSchema(message: Told): void {
  const fault = faultOf(message);
  if (fault !== undefined) faults.push(fault);
}

afterEach('messages fit the published schemas', () => {
  const [fault] = faults.splice(0);
  if (fault !== undefined) throw new Error(fault);
});
