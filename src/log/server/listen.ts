import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { AddressError, checkNamespaceFolder, formatAddress, type LogAddress, type TlsTexts } from '../wire/index.js';
import { AddressInUseError } from './errors.js';

const PROBE_MS = 1000;
const HANDSHAKE_MS = 10_000;
/** Only the user may connect. */
const SOCKET_UMASK = 0o177;

/**
 * Listens at an address, with mutual TLS where `tls` is given. A socket file that nobody answers on is taken over.
 * @throws {AddressInUseError} when somebody answers there
 * @throws {AddressError} when the socket's folder belongs to somebody else
 */
export async function listen(address: LogAddress, tls?: TlsTexts): Promise<Server> {
  const server = tls
    ? createTlsServer({
        ...tls,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        noDelay: true,
        handshakeTimeout: HANDSHAKE_MS,
      })
    : createServer({ noDelay: true });
  if (address.kind === 'ipc') {
    await mkdir(dirname(address.path), { recursive: true, mode: 0o700 });
    checkNamespaceFolder(address);
    await clearSocketPath(address.path);
  }
  try {
    if (address.kind === 'tcp') server.listen(address.port, address.host);
    else listenPrivately(server, address.path);
    await once(server, 'listening');
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw isTaken ? new AddressInUseError(formatAddress(address), { cause: error }) : error;
  }
  return server;
}

/** The file comes into being with the right mode: between two calls somebody could connect. */
function listenPrivately(server: Server, path: string): void {
  const before = process.umask(SOCKET_UMASK);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
}

/** Takes away a socket that nobody answers on any more. */
async function clearSocketPath(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  if (!found.isSocket()) throw new AddressError(`Invalid connection address: ${path} is no socket`);
  if (await isAnswering(path)) throw new AddressInUseError(`ipc://${path}`);
  // Two that start at once may both have found it stale: whoever moves it away looks once more at what it got.
  const aside = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    await rename(path, aside);
  } catch {
    return; // somebody else took it away
  }
  if (await isAnswering(aside)) {
    await rename(aside, path);
    throw new AddressInUseError(`ipc://${path}`);
  }
  await rm(aside, { force: true });
}

/** True when somebody accepts connections there. */
async function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(PROBE_MS, () => settle(true)); // it took the connection, or is too busy to: alive
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
