import { parse } from 'shell-quote';
import { UsageError } from '../errors.js';
import { decodePayload, encodePayload } from '../transport/index.js';
import { type Component, participant } from './component.js';
import { StoppedError } from './outport.js';
import { type CommandResult, runCommand } from './run-command.js';

export interface ScriptOptions {
  /** As a shell would read it, but without what only a shell can do. */
  readonly cmd: string;
  /** True: hand it to `/bin/sh -c` as it is. @default false */
  readonly shell?: boolean;
  /** Most messages worked on at a time, each by a process of its own. @default 1 */
  readonly prefetch?: number;
  /** A message that takes longer has failed. @default none */
  readonly timeoutMs?: number;
  /** Most bytes of output for one message. @default 16 MiB */
  readonly maxBytes?: number;
  /** @default the command's first word */
  readonly component?: string;
}

/** A command failed over a message. */
class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

/**
 * A component that runs a command for every message of `in`: the message on its stdin, its stdout to `out` (as JSON where
 * it is, else as text; nothing where it is empty). If the command fails, what it wrote to stderr goes to `error` where the
 * graph connects that, and is the reason of a dead letter otherwise.
 *
 * @throws {UsageError} for a command that needs a shell
 */
export function scriptComponent(options: ScriptOptions): Component {
  const { cmd, shell = false, prefetch = 1, maxBytes = 16 * 1024 * 1024, timeoutMs } = options;
  const words = wordsOf(cmd, shell);
  return participant({
    component: options.component ?? words[0] ?? cmd,
    label: cmd,
    icon: 'terminal',
    inports: { in: { description: 'goes to stdin' } },
    outports: {
      out: { description: 'what comes from stdout' },
      error: { type: 'string', description: 'what comes from stderr when the command fails' },
    },
    prefetch,
    async process({ in: data }, { send, isConnected, signal }) {
      const timeout = timeoutMs === undefined ? {} : { timeoutMs };
      const argv = shell ? ['/bin/sh', '-c', cmd] : words;
      const result = await runCommand(argv, { stdin: encodePayload(data), maxBytes, signal, ...timeout });
      const problem = problemOf(result);
      if (problem === undefined) {
        if (result.stdout.length > 0) await send('out', outputOf(result.stdout));
      } else if (isConnected('error')) {
        await send('error', problem);
      } else {
        throw new ScriptError(problem);
      }
    },
  });
}

function wordsOf(cmd: string, shell: boolean): readonly string[] {
  const entries = parse(cmd, (name) => (name === '' ? '$' : { op: `$${name}` }));
  const words = entries.filter((entry) => typeof entry === 'string');
  if (words.length === 0) throw new UsageError('the command is empty');
  if (shell) return words;
  const special = entries.find((entry) => typeof entry !== 'string');
  if (special === undefined) return words;
  const what = 'pattern' in special ? special.pattern : 'op' in special ? special.op : '#';
  throw new UsageError(`the command uses ${what}, which needs a shell: quote it, or give --shell: ${cmd}`);
}

/** Why a command failed, or undefined. What ends it by a polite signal ends us as well: the message is given back. */
function problemOf({ exitCode, endedBy, stderr }: CommandResult): string | undefined {
  if (exitCode === 0) return undefined;
  if (endedBy === 'SIGTERM' || endedBy === 'SIGINT' || endedBy === 'SIGHUP') throw new StoppedError();
  const how = endedBy === null ? `exit code ${exitCode}` : `ended by ${endedBy}`;
  return stderr === '' ? how : `${stderr} (${how})`;
}

/** JSON where it is, text where that is UTF-8, else the bytes. Commands end their output with a line feed: it goes. */
function outputOf(stdout: Buffer): unknown {
  const data = decodePayload(stdout);
  if (!Buffer.isBuffer(data)) return data;
  const text = data.toString('utf8');
  return Buffer.from(text).equals(data) ? text.replace(/\r?\n$/, '') : data;
}
