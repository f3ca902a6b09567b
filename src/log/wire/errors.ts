import { MsgfloError } from '../../errors.js';

/** The other side sent what is no message of ours; the connection cannot be used any further. */
export class WireError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_WIRE';
}

/** An address, or what it is to be made of, makes no sense. */
export class AddressError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_ADDRESS';
}
