import type { OutputLine, ProcessSpec, ProcessState } from '../process/index.js';

/**
 * Where processes run is one step kind with several executors behind this interface: the keeper on this machine, a
 * supervisor of one's own (one-shot tools), and hosts on other machines.
 */
export interface Launcher {
  list(): Promise<readonly ProcessState[]>;
  /** Idempotent; a changed spec under the same key replaces the process. */
  start(spec: ProcessSpec): Promise<void>;
  /** Resolves when the process and what it started are gone. Idempotent. */
  stop(key: string): Promise<void>;
  onChange(handler: (state: ProcessState) => void): void;
  onOutput(handler: (line: OutputLine) => void): void;
}

/** How the instances of one role are started. */
export interface Launch {
  readonly specs: readonly ProcessSpec[];
  /** The command line carries the IIPs already. */
  readonly takesIips: boolean;
}
