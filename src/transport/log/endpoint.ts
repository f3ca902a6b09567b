import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { UsageError } from '../../errors.js';
import { type LogAddress, readTlsFiles } from '../../log/wire/index.js';
import { BrokerUnreachableError } from '../index.js';
import type { KeyFiles, LogTarget } from './address.js';
import { findNode, readNodeFile } from './node-file.js';
import { startNode } from './start-node.js';

/** One door of a node, as it is just now. */
export interface Endpoint {
  readonly address: LogAddress;
  readonly token?: string;
  readonly tls?: KeyFiles;
}

/**
 * The door of a node. That of a folder is looked up each time: another node may have taken the place of the last one. None
 * there is started where the address says so.
 * @throws {UsageError} for the folder around that of a node
 * @throws {RefusedError} when it cannot be started @throws {BrokerUnreachableError} when there is none
 */
export async function endpointOf(target: LogTarget, signal: AbortSignal): Promise<Endpoint> {
  if (target.kind === 'port') {
    const { host, port, token, tls } = target;
    return { address: { kind: 'tcp', host, port }, ...(token && { token }), ...(tls && { tls }) };
  }
  const { folder, starts } = target;
  checkNotAround(folder);
  if (starts && !(await findNode(folder))) await startNode(folder, signal);
  const file = await readNodeFile(folder);
  if (!file) throw new BrokerUnreachableError(`no node runs for ${folder}: there is no broker.json in it`);
  return { address: file.log, ...(file.log.kind === 'tcp' && { token: file.token }) };
}

/** A project's folder in place of its `.msgflo` would get a log of its own, where nobody looks. */
function checkNotAround(folder: string): void {
  const hasLog = (place: string): boolean => ['broker.json', 'log'].some((name) => existsSync(join(place, name)));
  const inner = join(folder, '.msgflo');
  if (!hasLog(inner) || hasLog(folder)) return;
  throw new UsageError(`the log of ${folder} is in its folder .msgflo: log://${inner}`);
}

/** @throws {AddressError} that names the file of a key or certificate which cannot be read */
export function openSocket({ address, tls }: Endpoint): Socket {
  if (address.kind === 'ipc') return connect({ path: address.path });
  const place = { host: address.host, port: address.port };
  if (!tls) return connect({ ...place, noDelay: true });
  const socket = connectTls({ ...place, ...readTlsFiles(tls, 'client'), minVersion: 'TLSv1.2' });
  socket.setNoDelay(true);
  return socket;
}
