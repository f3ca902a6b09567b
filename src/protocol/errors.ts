import { MsgfloError } from '../errors.js';

/** A client asked for what is malformed, unknown or not supported. It is answered with the message; others go on. */
export class RequestError extends MsgfloError {
  readonly code = 'MSGFLO_BAD_REQUEST';
}
