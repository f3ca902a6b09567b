import { readFileSync } from 'node:fs';
import { type LogAddress, nodeFileIn, parseNodeFile } from '../wire/index.js';
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
    const { log: address, token } = parseNodeFile(readFileSync(nodeFileIn(folder), 'utf8'));
    // A socket file is guarded by the file system.
    return address.kind === 'tcp' ? { address, token } : { address };
  } catch (error) {
    throw new LogCallError('no_active_node', `no node has left broker.json in ${folder}`, { cause: error });
  }
}
