import { resolve } from 'node:path';
import { UsageError } from '../../errors.js';

/** Paths of PEM files: what we show, and the authority that the node's certificate must come from. */
export interface KeyFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/**
 * Where a node is: the one of a folder, found by the broker file in it, or one at a port, with the token that it asks for
 * or with TLS.
 */
export type LogTarget =
  | { readonly kind: 'folder'; readonly folder: string; readonly starts: boolean }
  | {
      readonly kind: 'port';
      readonly host: string;
      readonly port: number;
      readonly token?: string;
      readonly tls?: KeyFiles;
    };

/** `log:///folder`, of the node that runs there; who opens it starts none. */
export function folderAddress(folder: string): string {
  return `log://${resolve(folder).split('/').map(encodeURIComponent).join('/')}?start=false`;
}

/** `log:///folder`, `log://host:port?token=…` or `logs://host:port?key=…&cert=…&ca=…`. @throws {UsageError} for what is none */
export function readLogTarget(url: URL): LogTarget {
  const isTls = url.protocol === 'logs:';
  const token = url.searchParams.get('token');
  if (!url.host && !isTls && url.pathname.length > 1) {
    const starts = url.searchParams.get('start') !== 'false';
    return { kind: 'folder', folder: decodeURIComponent(url.pathname), starts };
  }
  const hasPlace = url.hostname !== '' && url.port !== '' && /^\/?$/.test(url.pathname);
  if (hasPlace && !url.username && !url.password) {
    return {
      kind: 'port',
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port),
      ...(token && { token }),
      ...(isTls && { tls: keyFiles(url) }),
    };
  }
  throw new UsageError(
    `'${shownLogAddress(url)}' is no address of a log: log:///folder, log://host:port?token=… or logs://host:port?key=…&cert=…&ca=…`,
  );
}

/** As it may be shown: without the token, or a password that does not belong there. */
export function shownLogAddress(url: URL): string {
  return url.href
    .replace(/([?&]token=)[^&]*/g, '$1***')
    .replace(/(:\/\/[^/@]*):[^/@]*@/, '$1:***@')
    .replace(/[?]start=false$/, '');
}

function keyFiles(url: URL): KeyFiles {
  const fileOf = (what: string): string => {
    const path = url.searchParams.get(what);
    if (path) return path;
    throw new UsageError(`'${shownLogAddress(url)}' names no ${what}: logs://host:port?key=FILE&cert=FILE&ca=FILE`);
  };
  return { key: fileOf('key'), cert: fileOf('cert'), ca: fileOf('ca') };
}
