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

/** The text of anything thrown, for one line of a log. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
