import { MsgfloError } from '../errors.js';

/** A client asked for what is malformed, unknown or not supported. It is answered with the message; others go on. */
export class RequestError extends MsgfloError {
  readonly code = 'MSGFLO_BAD_REQUEST';
}

/** A client asked for what its capabilities do not cover. It is answered with the message, and counted. */
export class ForbiddenError extends MsgfloError {
  readonly code = 'MSGFLO_FORBIDDEN';
}
