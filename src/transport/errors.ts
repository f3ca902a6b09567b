import { MsgfloError } from '../errors.js';
import type { QueueName } from '../names.js';

/** The client was closed, or never connected. Reaches this call only. */
export class NotConnectedError extends MsgfloError {
  readonly code = 'MSGFLO_NOT_CONNECTED';
  constructor(call: string, options?: ErrorOptions) {
    super(`${call}: the client is not connected (connect() first, and not after close())`, options);
  }
}

/** No connection came about in the time given. */
export class BrokerUnreachableError extends MsgfloError {
  readonly code = 'MSGFLO_BROKER_UNREACHABLE';
  override readonly retryable = true;
}

/** The queue exists at the broker with other arguments. Reaches this queue only. */
export class QueueMismatchError extends MsgfloError {
  readonly code = 'MSGFLO_QUEUE_MISMATCH';
  readonly queue: QueueName;
  constructor(queue: QueueName, detail: string, options?: ErrorOptions) {
    super(`queue '${queue}' exists with other arguments: ${detail}`, options);
    this.queue = queue;
  }
}

/** The broker has no such queue; the participant that owns it has not declared it (yet). */
export class QueueNotFoundError extends MsgfloError {
  readonly code = 'MSGFLO_QUEUE_NOT_FOUND';
  override readonly retryable = true;
  readonly queue: QueueName;
  constructor(queue: QueueName, options?: ErrorOptions) {
    super(`there is no queue '${queue}' at the broker`, options);
    this.queue = queue;
  }
}

/** The broker took a mandatory message but no queue wanted it; it is lost unless sent again. */
export class UnroutedError extends MsgfloError {
  readonly code = 'MSGFLO_UNROUTED';
  override readonly retryable = true;
  readonly queue: QueueName;
  constructor(queue: QueueName, options?: ErrorOptions) {
    super(`nobody takes what is sent to '${queue}'`, options);
    this.queue = queue;
  }
}

/** The broker refused: credentials, permissions, a size. Trying again will not help. */
export class RefusedError extends MsgfloError {
  readonly code = 'MSGFLO_REFUSED';
}

/** No transport is registered for the scheme of a broker's address. */
export class UnknownSchemeError extends MsgfloError {
  readonly code = 'MSGFLO_UNKNOWN_SCHEME';
  constructor(address: string, known: readonly string[]) {
    super(`no transport for the broker address '${address}'; known are: ${known.map((s) => `${s}://`).join(' ')}`);
  }
}
