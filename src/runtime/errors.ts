import { MsgfloError } from '../errors.js';
import type { Role } from '../names.js';

/** A packet was sent to an inport that the graph does not export, or that leads nowhere. */
export class ExportedPortNotFoundError extends MsgfloError {
  readonly code = 'MSGFLO_EXPORTED_PORT_NOT_FOUND';
}

/** Something would be done to a role that only those who play it can do. Nothing is changed. */
export class RoleOfOthersError extends MsgfloError {
  readonly code = 'MSGFLO_ROLE_OF_OTHERS';

  constructor(role: Role, what: string) {
    super(`role '${role}' is played by participants that run elsewhere: ${what}`);
  }
}

/** Another graph may not take the place of the one there is, unless it is asked for expressly. Nothing is changed. */
export class OtherGraphError extends MsgfloError {
  readonly code = 'MSGFLO_OTHER_GRAPH';
}
