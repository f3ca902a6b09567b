import { MsgfloError, messageOf } from '../../errors.js';
import { LogError } from '../node/log-error.js';

/** What a client is told of a failure: the plain codes of the node, `log_disk_full` and the like of the store,
 * `address_in_use`. */
export function statusOf(error: unknown): { readonly errStatus: string; readonly detail?: string } {
  if (error instanceof LogError) return { errStatus: error.code, ...(error.detail && { detail: error.detail }) };
  const isOurs = error instanceof MsgfloError;
  return {
    errStatus: isOurs ? error.code.replace(/^MSGFLO_(?:LOG_(?=ADDRESS))?/, '').toLowerCase() : 'unknown_error',
    detail: messageOf(error),
  };
}
