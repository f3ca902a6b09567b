import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.js';
import { segmentFiles } from '../log/index.js';
import { type NodeSettings, readSettings } from '../log/server/index.js';

/** Settings as environment: command lines are shown to everybody on the machine, and tokens may be in it. */
export const SETTINGS_VARIABLE = 'MSGFLO_NODE';

/** How the program of a node runs. */
export interface NodeRun {
  readonly settings: NodeSettings;
  /** Says its address on stdout. */
  readonly isPrinting: boolean;
  /** Ends when it has had no client for so long. @default never */
  readonly idleExitMs?: number;
}

/**
 * Of a program that was started with flags, `--dir .msgflo`, or with all its settings as JSON: as its one argument, or in the
 * environment, which they are taken out of.
 * @throws {UsageError}
 */
export function readRun(argv: readonly string[], env: NodeJS.ProcessEnv): NodeRun {
  const given = env[SETTINGS_VARIABLE];
  delete env[SETTINGS_VARIABLE];
  const [first = ''] = argv;
  if (first.startsWith('{')) return { settings: readSettings(first), isPrinting: false };
  const flags = readFlags(argv);
  const { dir } = flags;
  return {
    settings:
      given === undefined
        ? { dir, ...(flags.memory ? { history: false } : { location: logIn(dir) }) }
        : readSettings(given),
    isPrinting: flags['print-address'],
    ...(flags['idle-exit'] !== undefined && { idleExitMs: secondsOf(flags['idle-exit']) * 1000 }),
  };
}

interface Flags {
  readonly dir: string;
  readonly memory: boolean;
  readonly 'print-address': boolean;
  readonly 'idle-exit'?: string | undefined;
}

function readFlags(argv: readonly string[]): Flags {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        dir: { type: 'string', default: '.msgflo' },
        memory: { type: 'boolean', default: false },
        'print-address': { type: 'boolean', default: false },
        'idle-exit': { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Where the log of a node's folder is: in `log` below it, unless the folder is one of a log itself. */
export function logIn(dir: string): string {
  // The slash: a file is no folder.
  return existsSync(`${dir}/`) && segmentFiles(dir).length > 0 ? dir : join(dir, 'log');
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (seconds > 0) return seconds;
  throw new UsageError(`--idle-exit is a number of seconds, not '${text}'`);
}
