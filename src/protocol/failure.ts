import { MsgfloError, messageOf, TimeoutError } from '../errors.js';
import type { Logger } from '../support/index.js';
import { ForbiddenError } from './errors.js';
import { excerpt, type Request } from './wire.js';

/** Why a request is answered with an error, as it is counted and as the client is told. */
export interface Failure {
  readonly outcome: 'refused' | 'forbidden' | 'failed';
  readonly message: string;
}

/** Errors of ours are written for clients to read. Others may say anything, and go to the log. */
export function failureOf(
  { protocol, command }: Pick<Request, 'protocol' | 'command'>,
  error: unknown,
  log: Logger,
): Failure {
  if (error instanceof ForbiddenError) return { outcome: 'forbidden', message: error.message };
  if (error instanceof MsgfloError && !(error instanceof TimeoutError))
    return { outcome: 'refused', message: error.message };
  const failed = `${protocol}:${excerpt(command)} failed`;
  log.warn(`${failed}: ${messageOf(error)}`);
  const why = error instanceof TimeoutError ? error.message : 'the log of the runtime says why';
  return { outcome: 'failed', message: `${failed}: ${why}` };
}
