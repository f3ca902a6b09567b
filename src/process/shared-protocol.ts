/**
 * What a supervisor and a process that several specs share say to each other over Node's channel for messages between
 * parent and child. The process runs each spec as if it had been started by itself with `args`.
 */
export type SharedOrder =
  | {
      readonly shared: 1;
      readonly call: 'start';
      readonly key: string;
      readonly args: readonly string[];
      /** Besides the environment of the process. */
      readonly env: Readonly<Record<string, string>>;
      readonly cwd: string | undefined;
    }
  | { readonly shared: 1; readonly call: 'stop'; readonly key: string };

/** A spec has ended with this exit code; `said`: what it complained of. */
export interface SharedEnd {
  readonly shared: 1;
  readonly ended: string;
  readonly code: number;
  readonly said: readonly string[];
}

/** In the environment of a process that is to take orders instead of arguments. */
export const SHARED_VARIABLE = 'MSGFLO_SHARED';

/** Whether a message is one that a shared process can carry out. */
export function isSharedOrder(message: unknown): message is SharedOrder {
  return isShared(message) && 'call' in message;
}

/** Whether a message is one that a supervisor expects from it. */
export function isSharedEnd(message: unknown): message is SharedEnd {
  return isShared(message) && 'ended' in message;
}

function isShared(message: unknown): message is object {
  return message !== null && typeof message === 'object' && 'shared' in message && message.shared === 1;
}
