import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { connect, type NetConnectOpts } from 'node:net';
import { dirname } from 'node:path';
import { MsgfloError } from '../errors.js';

/** Longer paths are cut off silently by some systems (104 bytes on macOS, 108 on Linux). */
export const MAX_SOCKET_PATH_BYTES = 100;

/** Exit code of the broker's process when another was there before it: its starter uses that one. */
export const BROKER_RUNNING = 3;

/** A broker answers already where this one was to listen. */
export class BrokerRunningError extends MsgfloError {
  readonly code = 'MSGFLO_BROKER_RUNNING';
}

/** True when somebody accepts connections there. */
export async function isAnswering(options: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(options);
    const settle = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(2000, () => settle(false));
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/**
 * Makes the folder of a socket (0700) and takes away a socket that nobody answers on any more.
 * @throws {BrokerRunningError} when somebody answers
 */
export async function clearSocketPath(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  if (await isAnswering({ path })) throw running(path);
  // Two that start at once may both have found it stale: whoever moves it away looks once more at what it got.
  const aside = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if (await isAnswering({ path: aside })) {
    await rename(aside, path);
    throw running(path);
  }
  await rm(aside, { force: true });
}

function running(path: string): BrokerRunningError {
  return new BrokerRunningError(`a broker is already running here: it answers on ${path}`);
}
