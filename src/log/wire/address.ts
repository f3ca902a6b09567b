import { lstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AddressError } from './errors.js';

/** Where a node listens: a socket file of this machine, or a port. */
export type LogAddress =
  | { readonly kind: 'ipc'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** The ways to say it; `socket` wins over `tcp`, which wins over `namespace`. */
export interface AddressOptions {
  /** Nodes of one machine and user by name. @default 'default' */
  readonly namespace?: string | undefined;
  readonly tcp?: { readonly host: string; readonly port: number } | false | undefined;
  /** `ipc:///path` or `tcp://host:port`. */
  readonly socket?: string | undefined;
}

/** Longer paths are cut off silently by some systems (104 bytes on macOS, 108 on Linux). */
const MAX_PATH_BYTES = 100;

/** @throws {AddressError} for what cannot be an address */
export function addressOf({ namespace, tcp, socket }: AddressOptions): LogAddress {
  if (tcp && !(tcp.host && tcp.port)) throw new AddressError('tcp connection needs a host and a port');
  if (socket) return readAddress(socket);
  if (tcp) return readAddress(formatAddress({ kind: 'tcp', ...tcp }));
  return ipcAddress(namespaceSocket(namespace || 'default'));
}

/** Reads `ipc:///path` and `tcp://host:port`; without a host it is the loopback interface. @throws {AddressError} */
export function readAddress(text: string): LogAddress {
  if (text.startsWith('ipc://')) return ipcAddress(text.slice('ipc://'.length));
  const [, host = '', digits = ''] = /^tcp:\/\/(\[[\da-fA-F:.]+\]|[^\s/:@[\]]*):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === '' || port > 65_535) throw invalid(text);
  return { kind: 'tcp', host: host.replace(/^\[|\]$/g, '') || '127.0.0.1', port };
}

/** The text that `readAddress` reads. */
export function formatAddress(address: LogAddress): string {
  if (address.kind === 'ipc') return `ipc://${address.path}`;
  const { host, port } = address;
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws {AddressError} unless TLS can be spoken there: a socket file has no certificate to check */
export function checkTlsAddress(address: LogAddress): void {
  if (address.kind !== 'tcp') throw invalid(formatAddress(address));
}

/** The folder of the sockets of namespaces: of this user alone, for in one for everybody anybody could listen first. */
export function namespaceFolder(): string {
  return join(tmpdir(), `msgflo-${process.getuid?.() ?? 'user'}`);
}

/**
 * In a folder that others may write, they could put a socket of their own in the place of ours. One that is not there is
 * nobody's.
 * @throws {AddressError}
 */
export function checkNamespaceFolder(address: LogAddress): void {
  const folder = namespaceFolder();
  if (!process.getuid || address.kind !== 'ipc' || dirname(address.path) !== folder) return;
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found && (!found.isDirectory() || found.uid !== process.getuid() || (found.mode & 0o022) !== 0))
    throw new AddressError(`others may write in ${folder}: no node of ours listens there`);
}

function namespaceSocket(namespace: string): string {
  if (!/^[^/\\\p{Cc}]+$/u.test(namespace)) throw invalid(`ipc://${namespace}`);
  return join(namespaceFolder(), `msgflo-log.${namespace}`);
}

function ipcAddress(path: string): LogAddress {
  const isFine = path !== '' && !path.includes('\0') && Buffer.byteLength(path) <= MAX_PATH_BYTES;
  if (!isFine) throw invalid(`ipc://${path}`);
  return { kind: 'ipc', path };
}

function invalid(text: string): AddressError {
  return new AddressError(`Invalid connection address: ${text}`);
}
