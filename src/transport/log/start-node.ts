import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import { programOf } from '../../support/index.js';
import { RefusedError } from '../index.js';
import { findNode } from './node-file.js';

/** Exit code of a node's process when another was there before it: its starter uses that one. */
export const NODE_RUNNING = 3;
/** So long after its last client has left it ends, in seconds. */
const IDLE_EXIT_S = 30;
const LOOK_EVERY_MS = 20;
/** Another one may just be starting; one that serves this log from elsewhere is never found here. */
const OTHER_NODE_MS = 5000;

/**
 * Starts the node of a folder as a process that outlives this one, for as long as it has clients. What it says goes to
 * `<folder>/node.log`. Resolves when it answers, or another one there does.
 * @throws {RefusedError} with what it said when it cannot run
 */
export async function startNode(folder: string, signal: AbortSignal): Promise<void> {
  if (!existsSync(folder) && !existsSync(dirname(folder)))
    throw new RefusedError(`there is no folder ${dirname(folder)} for a log in ${folder}`);
  const said = join(folder, 'node.log');
  const output = openIn(folder, said);
  const { path, execArgv } = programOf('embedded/main');
  const args = [...execArgv, path, '--dir', folder, '--idle-exit', String(IDLE_EXIT_S)];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'ignore', output] });
  closeSync(output);
  child.unref();
  const ended = once(child, 'exit').then(([code]) => code as unknown);
  ended.catch(() => undefined);
  let code: unknown;
  let endedAtMs = 0;
  void ended.then((is) => {
    code = is ?? 1;
    endedAtMs = performance.now();
  });
  while (!(await findNode(folder))) {
    const isForOther = code === NODE_RUNNING && performance.now() - endedAtMs < OTHER_NODE_MS;
    if (code !== undefined && !isForOther) {
      const [line = ''] = (await readFile(said, 'utf8').catch(() => '')).trim().split('\n').slice(-1);
      throw new RefusedError(`the log in ${folder} cannot be served: ${line || `its process ended with ${code}`}`);
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

function openIn(folder: string, file: string): number {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return openSync(file, 'w', 0o600);
  } catch (error) {
    throw new RefusedError(`the folder ${folder} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
