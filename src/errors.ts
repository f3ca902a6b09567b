/** What every error of msgflo has in common; each folder declares its own classes beside the code that throws them. */
export abstract class MsgfloError extends Error {
  /** Stable across releases: callers and specs compare this, never the message. */
  abstract readonly code: `MSGFLO_${string}`;
  /** True when the same call may succeed later without any change by the caller. */
  readonly retryable: boolean = false;
  override get name(): string {
    return this.constructor.name;
  }
}

/** The command line, an environment variable or a configuration file asks for something that makes no sense. Exit code 2. */
export class UsageError extends MsgfloError {
  readonly code = 'MSGFLO_USAGE';
}

/** The thing asked cannot do this, ever; its capabilities say so beforehand. */
export class UnsupportedError extends MsgfloError {
  readonly code = 'MSGFLO_UNSUPPORTED';
}

/** A call took longer than its limit. */
export class TimeoutError extends MsgfloError {
  readonly code = 'MSGFLO_TIMEOUT';
  override readonly retryable = true;
}

const MAX_JSON_CHARS = 300;

/** The text of anything thrown, for one line of a log. Never throws, whatever was thrown. */
export function messageOf(error: unknown): string {
  return read(() => {
    if (error === null || typeof error !== 'object') return String(error);
    // Errors of other realms, and what is thrown in their place.
    if ('message' in error && typeof error.message === 'string') return error.message;
    const said: unknown = error instanceof Error ? error.message : error;
    const text = String(said);
    return text === '[object Object]' ? JSON.stringify(said).slice(0, MAX_JSON_CHARS) : text;
  }, 'something was thrown that cannot be shown');
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}

/** The class of anything thrown: the name of an error, otherwise its type. Never throws. */
export function errorNameOf(error: unknown): string {
  return read(() => {
    const isNamed = error !== null && typeof error === 'object' && 'name' in error && 'message' in error;
    if (isNamed && typeof error.name === 'string') return error.name;
    return error instanceof Error ? 'Error' : typeof error;
  }, 'object');
}

/** What is thrown may be anything: a proxy, an object without a prototype, an error whose properties throw. */
function read(work: () => string, otherwise: string): string {
  try {
    return work();
  } catch {
    return otherwise;
  }
}
