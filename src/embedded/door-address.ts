import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LogAddress } from '../log/wire/index.js';

/** Longer paths are cut off silently by some systems (104 bytes on macOS, 108 on Linux). */
const MAX_SOCKET_PATH_BYTES = 100;

/** Makes the folder, closed to others. */
export async function makePrivate(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
}

/**
 * Where our own clients on this machine come in: a socket in the folder, or a port of the loopback interface where that is
 * not possible.
 * @param last of the node before: its clients look there
 */
export function doorIn(dir: string, last: LogAddress | undefined, tcp?: boolean): LogAddress {
  const path = join(resolve(dir), 'broker.sock');
  const canUnix = process.platform !== 'win32' && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES;
  if (!(tcp ?? !canUnix)) return { kind: 'ipc', path };
  return { kind: 'tcp', host: '127.0.0.1', port: last?.kind === 'tcp' ? last.port : 0 };
}
