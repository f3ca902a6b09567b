/** What is to run. Two specs that are equal as JSON are the same process. */
export interface ProcessSpec {
  /** Names the process in the table, for as long as it is wanted. */
  readonly key: string;
  /** Stands in front of its output and in what is said of it. */
  readonly role: string;
  /** Program and arguments, handed over without a shell; with `shell` one text. */
  readonly argv: readonly string[];
  /** A shell to give the text to with `-c`; true is `/bin/sh`. */
  readonly shell?: string | true;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** @default the working directory */
  readonly cwd?: string;
  /**
   * Runs in one process with all specs that say the same here and begin with the same two words: Node, and a program that
   * takes orders (`SharedOrder`). The program's arguments, `env` and `cwd` are its own; what it prints is the process's.
   */
  readonly shared?: string;
}

/**
 * `starting` until the system has started it; `backoff` between an exit and the next try; `failed` when it will not be
 * tried again; `stopping` and `stopped` because somebody asked; `ended` because it exited with 0 by itself.
 */
export type ProcessStatus = 'starting' | 'running' | 'backoff' | 'failed' | 'stopping' | 'stopped' | 'ended';

/** How a process went. Both are null when it could not be started. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface ProcessState {
  readonly key: string;
  readonly role: string;
  readonly status: ProcessStatus;
  /** Also the id of its process group. Only while it runs. */
  readonly pid?: number;
  /** How often it was started again since it was asked for. */
  readonly restarts: number;
  readonly lastExit?: Exit;
  /** What it last said on stderr before that exit, or why it could not be started. */
  readonly stderrTail?: readonly string[];
}

export interface OutputLine {
  readonly key: string;
  readonly role: string;
  readonly stream: 'stdout' | 'stderr';
  /** Without line end; at most 8,192 characters, what is longer comes as several lines. */
  readonly line: string;
}
