import type { CommandFactory } from '../../src/cli/command.js';
import { runWith } from '../../src/cli/command.js';
import { keepingLogger } from '../participant/network.js';

export interface InProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A command that runs in this process, as its executable would. */
export interface InProcess {
  /** The lines printed so far. */
  readonly printed: readonly string[];
  /** The lines logged so far. */
  readonly logged: readonly string[];
  /** What was written to stderr when it failed. */
  readonly complaint: () => string;
  readonly ended: Promise<number>;
  /** As SIGINT does. */
  interrupt(): void;
}

/** Starts a command without the second that a process takes. One at a time: what it says at the end is taken from stderr. */
export function startInProcess(
  factory: CommandFactory,
  args: readonly string[],
  { cwd = process.cwd(), env = {} }: InProcessOptions = {},
): InProcess {
  const printed: string[] = [];
  const log = keepingLogger();
  const abort = new AbortController();
  const { write } = process.stderr;
  let complaint = '';
  process.stderr.write = (text: string | Uint8Array): boolean => {
    complaint += String(text);
    return true;
  };
  const context = { signal: abort.signal, env, cwd, log, print: (line: string): void => void printed.push(line) };
  const ended = runWith(factory, args, context).finally(() => {
    process.stderr.write = write;
  });
  return {
    printed,
    logged: log.lines,
    complaint: () => complaint,
    ended,
    interrupt: () => abort.abort(new Error('interrupted')),
  };
}
