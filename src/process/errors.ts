import { MsgfloError } from '../errors.js';

/** The supervisor is closed: nothing is started any more. */
export class SupervisorClosedError extends MsgfloError {
  readonly code = 'MSGFLO_SUPERVISOR_CLOSED';
}

/** The channel to the keeper is gone; so will be the process that sees this. */
export class KeeperGoneError extends MsgfloError {
  readonly code = 'MSGFLO_KEEPER_GONE';
}

/** The keeper answered a request with an error; `code` is that of the error there. */
export class KeeperRefusedError extends MsgfloError {
  readonly code: `MSGFLO_${string}`;

  constructor(code: `MSGFLO_${string}`, message: string) {
    super(message);
    this.code = code;
  }
}
