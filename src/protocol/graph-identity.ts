import { RequestError } from './errors.js';
import type { Network } from './network.js';

type Named = Pick<Network, 'graphId' | 'namespace' | 'graph'>;

/** Whether `id` means the graph there is: as clients are told it is named, or its name with or without the namespace. */
export function isMainGraph(network: Named, id: string): boolean {
  if (id === network.graphId) return true;
  const { namespace } = network;
  const { name } = network.graph();
  return id === name || (namespace !== undefined && id === `${namespace}/${name}`);
}

/**
 * The graph that a command is about, spelled as its sender did; answers spell it the same way.
 * @throws {RequestError} when none is named, or one that there is not. Editors compare these two texts.
 */
export function graphOf(network: Named, id: unknown): string {
  if (id === undefined || id === null || id === '') throw new RequestError('No graph specified');
  if (typeof id !== 'string' || !isMainGraph(network, id)) throw new RequestError('Requested graph not found');
  return id;
}

/** `files/Read` as library `files` and name `Read`; a name without a slash has no library. */
export function splitName(full: string): { readonly name: string; readonly library?: string } {
  const slash = full.indexOf('/');
  return slash < 1 ? { name: full } : { name: full.slice(slash + 1), library: full.slice(0, slash) };
}
