import type { NetConnectOpts } from 'node:net';
import { UsageError } from '../../errors.js';

/** Where an embedded broker listens: a Unix socket, or a port of the loopback interface with the token it asks for. */
export type LocalAddress =
  | { readonly path: string }
  | { readonly host: string; readonly port: number; readonly token: string };

/** `local:///path/to.sock` or `local://127.0.0.1:port?token=…` */
export function formatLocalAddress(address: LocalAddress): string {
  if ('path' in address) return `local://${address.path.split('/').map(encodeURIComponent).join('/')}`;
  return `local://${address.host}:${address.port}?token=${encodeURIComponent(address.token)}`;
}

/** @throws {UsageError} for what is neither. */
export function readLocalAddress(url: URL): LocalAddress {
  const token = url.searchParams.get('token');
  if (url.host && url.port && token) return { host: url.hostname, port: Number(url.port), token };
  if (!url.host && url.pathname.length > 1) return { path: decodeURIComponent(url.pathname) };
  throw new UsageError(
    `'${shownLocalAddress(url)}' is no address of an embedded broker: local:///path or local://host:port?token=…`,
  );
}

export function connectOptions(address: LocalAddress): NetConnectOpts {
  if ('path' in address) return { path: address.path };
  return { host: address.host, port: address.port, noDelay: true };
}

/** As it may be shown: without the token. */
export function shownLocalAddress(url: URL): string {
  return url.href.replace(/([?&]token=)[^&]*/, '$1***');
}
