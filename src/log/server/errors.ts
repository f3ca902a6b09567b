import { MsgfloError } from '../../errors.js';

/** Somebody answers already where this node was to listen. */
export class AddressInUseError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_ADDRESS_IN_USE';
  constructor(address: string, options?: ErrorOptions) {
    super(`address_in_use: ${address}`, options);
  }
}
