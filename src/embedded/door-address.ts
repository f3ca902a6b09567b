import { constants } from 'node:fs';
import { access, chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LogAddress } from '../log/wire/index.js';
import { FolderUnwritableError } from './errors.js';

/** Longer paths are cut off silently by some systems (104 bytes on macOS, 108 on Linux). */
const MAX_SOCKET_PATH_BYTES = 100;

/** What no time mends. A disk that is full, or too many open files, may be better soon. */
const LASTING = new Set<unknown>(['EACCES', 'EEXIST', 'ELOOP', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS']);

/** Makes the folder, closed to others. @throws {FolderUnwritableError} */
export async function makePrivate(dir: string): Promise<void> {
  await makeFolder(dir);
  await chmod(dir, 0o700);
}

/** Makes the folder where there is none. @throws {FolderUnwritableError} also for one that is there, but not to be written */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && LASTING.has(error.code))) throw error;
    throw new FolderUnwritableError(folder, { cause: error });
  }
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
