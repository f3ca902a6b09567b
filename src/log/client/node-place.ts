import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '../../support/index.js';
import { type LogAddress, readAddress } from '../wire/index.js';
import { LogCallError } from './errors.js';

/** Where a node listens, and what has to be said there first. */
export interface NodePlace {
  readonly address: LogAddress;
  readonly token?: string | undefined;
}

/**
 * Where the node of a folder is, as its `broker.json` says: the last one's place while none runs.
 * @throws {LogCallError} no_active_node
 */
export function placeInFolder(folder: string): NodePlace {
  try {
    const file: unknown = JSON.parse(readFileSync(join(folder, 'broker.json'), 'utf8'));
    if (!isRecord(file) || typeof file['log'] !== 'string') throw new Error('it does not say where the node is');
    const address = readAddress(file['log']);
    const token = file['token'];
    // A socket file is guarded by the file system.
    return { address, ...(address.kind === 'tcp' && typeof token === 'string' && { token }) };
  } catch (error) {
    throw new LogCallError('no_active_node', `no node has left broker.json in ${folder}`, { cause: error });
  }
}
