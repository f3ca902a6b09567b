import type { Outgoing } from './wire.js';

export interface TellOptions {
  /** It may be left out for a client that reads too slowly; whoever carries the frames counts it then. */
  readonly droppable?: boolean;
}

/** A client as those see it who tell it of things unasked. Its identity is the origin of the edits it asks for. */
export interface Client {
  /** Sends a frame that is ready. Left out for a client that may not receive the message, or is gone. */
  tell(message: Pick<Outgoing, 'protocol' | 'command'>, frame: string, options?: TellOptions): void;
  /** Whether `tell` would send the message: by the capabilities that the client had when it last asked what this is. */
  mayReceive(protocol: string, command: string): boolean;
}
