import { MsgfloError } from '../errors.js';
import type { QueueName } from '../names.js';

/** The engine has no such queue, or has it with other arguments. Whoever speaks for the engine translates it. */
export class EngineRefusedError extends MsgfloError {
  readonly code = 'MSGFLO_ENGINE_REFUSED';
  readonly refusal: 'not-found' | 'mismatch';
  readonly queue: QueueName;
  constructor(refusal: 'not-found' | 'mismatch', queue: QueueName, detail: string) {
    super(`queue '${queue}': ${detail}`);
    this.refusal = refusal;
    this.queue = queue;
  }
}
