import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Ends it by `kill -9`. Resolves when it is gone, also when it was before. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
