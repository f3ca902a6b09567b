import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { messageOf } from '../errors.js';
import type { ProcessSpec } from './model.js';

/** A process that could not be started, with the reason in words of the spec. */
export interface SpawnFailure {
  readonly reason: string;
  /** It would fail the same way again: no such command, not executable, no such folder, an argument that cannot be passed. */
  readonly isHopeless: boolean;
}

/**
 * Starts a process in a session and process group of its own (so that a Ctrl-C here does not reach it), without a shell
 * unless the spec asks for one, and calls `adopt` with the group's id in the same turn.
 */
export async function spawnChild(
  spec: ProcessSpec,
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly stdio: StdioOptions;
    readonly adopt: (pid: number) => void;
  },
): Promise<ChildProcess | SpawnFailure> {
  const [file = '', ...args] = commandLine(spec);
  try {
    const env = childEnvironment({ ...options.env, ...spec.env });
    const child = spawn(file, args, { detached: true, env, stdio: options.stdio, ...(spec.cwd && { cwd: spec.cwd }) });
    if (child.pid !== undefined) {
      options.adopt(child.pid);
      child.on('error', () => undefined); // a failed kill or send; whoever called is told
      return child;
    }
    const [error] = await once(child, 'error');
    return explain(spec, error);
  } catch (error) {
    return explain(spec, error);
  }
}

/**
 * A copy of ours, without the secret of the FBP endpoint, which is none of theirs; and without NODE_EXTRA_CA_CERTS, which
 * costs every Node process 125 ms at start, unless the spec adds it.
 */
function childEnvironment(added: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _slow, MSGFLO_SECRET: _secret, ...inherited } = process.env;
  return { ...inherited, ...added };
}

function commandLine({ argv, shell }: ProcessSpec): readonly string[] {
  if (shell === undefined) return argv;
  return [shell === true ? '/bin/sh' : shell, '-c', argv.join(' ')];
}

function explain(spec: ProcessSpec, error: unknown): SpawnFailure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const [file = ''] = commandLine(spec);
  const isHopeless = code !== 'EAGAIN' && code !== 'EMFILE' && code !== 'ENFILE' && code !== 'ENOMEM';
  if (code === 'ENOENT' && spec.cwd !== undefined && !existsSync(spec.cwd)) {
    return { reason: `its working directory ${spec.cwd} does not exist`, isHopeless };
  }
  if (code === 'ENOENT' && file.includes('/') && existsSync(file)) {
    return { reason: `the interpreter that the first line of '${file}' names was not found`, isHopeless };
  }
  if (code === 'ENOENT') return { reason: `the command '${file}' was not found`, isHopeless };
  if (code === 'EACCES') return { reason: `'${file}' is not executable`, isHopeless };
  return { reason: messageOf(error), isHopeless };
}
