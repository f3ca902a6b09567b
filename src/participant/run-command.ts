import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { MsgfloError, TimeoutError } from '../errors.js';

/** A command could not be started at all: it is not there, or may not be run. */
export class CommandStartError extends MsgfloError {
  readonly code = 'MSGFLO_COMMAND_START';
}

/** A command wrote more than it may. It was killed. */
export class OutputTooLargeError extends MsgfloError {
  readonly code = 'MSGFLO_OUTPUT_TOO_LARGE';
}

export interface RunCommandOptions {
  readonly stdin: Buffer;
  /** Most bytes taken from stdout; beyond them the command is killed. */
  readonly maxBytes: number;
  /** The command is killed after so long. */
  readonly timeoutMs?: number;
  /** Kills the command. */
  readonly signal: AbortSignal;
}

export interface CommandResult {
  readonly stdout: Buffer;
  /** The last 16 KiB of it, trimmed. */
  readonly stderr: string;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly endedBy: NodeJS.Signals | null;
}

const MAX_STDERR_BYTES = 16 * 1024;

/**
 * Runs a command over one input. When the promise settles, the command has been reaped, whatever happened.
 * @throws {CommandStartError} @throws {TimeoutError} @throws {OutputTooLargeError} and the signal's reason
 */
export async function runCommand(argv: readonly string[], options: RunCommandOptions): Promise<CommandResult> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let failure: unknown;
  const kill = (reason: unknown): void => {
    failure ??= reason;
    killTree(child);
  };
  const onAbort = (): void => kill(options.signal.reason);
  const { timeoutMs } = options;
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => kill(new TimeoutError(`${file} took longer than ${timeoutMs} ms`)), timeoutMs);
  options.signal.addEventListener('abort', onAbort);
  if (options.signal.aborted) onAbort();
  child.stdout.on('error', () => undefined);
  child.stderr.on('error', () => undefined);
  // A command that does not read its input to the end has ended early or does not want it: its exit code tells.
  child.stdin.on('error', () => undefined).end(options.stdin);
  const stdout = keepAll(child, options.maxBytes, () =>
    kill(new OutputTooLargeError(`${file} wrote more than ${options.maxBytes} bytes to stdout`)),
  );
  const stderr = keepLast(child, MAX_STDERR_BYTES);
  try {
    const [exitCode, endedBy] = await ended(child, file);
    if (failure !== undefined) throw failure;
    return { stdout: Buffer.concat(stdout), stderr: stderr().toString('utf8').trim(), exitCode, endedBy };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', onAbort);
  }
}

async function ended(child: ChildProcess, file: string): Promise<[number | null, NodeJS.Signals | null]> {
  try {
    const [exitCode, endedBy] = await once(child, 'close');
    return [typeof exitCode === 'number' ? exitCode : null, endedBy as NodeJS.Signals | null];
  } catch (error) {
    throw new CommandStartError(`cannot run '${file}': ${startProblem(error)}`, { cause: error });
  }
}

function startProblem(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such command';
  return code === 'EACCES' ? 'it may not be run' : String(error);
}

function keepAll(child: ChildProcess, maxBytes: number, onTooMuch: () => void): Buffer[] {
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else onTooMuch();
  });
  return chunks;
}

function keepLast(child: ChildProcess, maxBytes: number): () => Buffer {
  let kept = Buffer.alloc(0);
  child.stderr?.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-maxBytes);
  });
  return () => kept;
}

/**
 * Ends a command and what it has started. Its children are looked up in /proc, since they share our process group: a
 * keeper that ends the group is to end them too. Where there is no /proc the command alone is killed.
 */
function killTree(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  for (const pid of descendants(child.pid)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself meanwhile.
    }
  }
  child.kill('SIGKILL');
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? [] : children.split(' ').flatMap((each) => [...descendants(Number(each)), Number(each)]);
  } catch {
    return [];
  }
}
