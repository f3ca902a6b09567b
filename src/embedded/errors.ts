import { MsgfloError } from '../errors.js';

/** A broker runs already for this folder, or answers where this one was to listen. */
export class BrokerRunningError extends MsgfloError {
  readonly code = 'MSGFLO_BROKER_RUNNING';
}

/** Exit code of the broker's process when trying again would not help: a damaged log, an address that is none. */
export const NODE_HOPELESS = 4;
