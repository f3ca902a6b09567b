import { MsgfloError, messageOf } from '../errors.js';

/** A broker runs already for this folder, or answers where this one was to listen. */
export class BrokerRunningError extends MsgfloError {
  readonly code = 'MSGFLO_BROKER_RUNNING';
}

/** A folder of the broker cannot be made or written, and trying again would not help. */
export class FolderUnwritableError extends MsgfloError {
  readonly code = 'MSGFLO_FOLDER_UNWRITABLE';
  constructor(folder: string, options: ErrorOptions) {
    super(`the folder ${folder} cannot be written: ${messageOf(options.cause)}`, options);
  }
}

/** Exit code of the broker's process when trying again would not help: a damaged log, an address that is none, a folder it may not write. */
export const NODE_HOPELESS = 4;
