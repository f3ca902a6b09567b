import { RequestError } from './errors.js';
import type { Network } from './network.js';

/** The name that editors know the main graph by: with the namespace in front, where there is one. */
export function mainGraphId(network: Pick<Network, 'namespace' | 'graph'>): string {
  const { namespace } = network;
  const { name } = network.graph();
  return namespace && !name.includes('/') ? `${namespace}/${name}` : name;
}

/** Whether `id` means the main graph. Its name without the namespace does as well. */
export function isMainGraph(network: Pick<Network, 'namespace' | 'graph'>, id: string): boolean {
  return id === mainGraphId(network) || id === network.graph().name;
}

/**
 * The graph that a command is about, spelled as its sender did; answers spell it the same way.
 * @throws {RequestError} when none is named, or one that there is not. Editors compare these two texts.
 */
export function graphOf(network: Pick<Network, 'namespace' | 'graph'>, id: unknown): string {
  if (id === undefined || id === null || id === '') throw new RequestError('No graph specified');
  if (typeof id !== 'string' || !isMainGraph(network, id)) throw new RequestError('Requested graph not found');
  return id;
}

/** `files/Read` as library `files` and name `Read`; a name without a slash has no library. */
export function splitName(full: string): { readonly name: string; readonly library?: string } {
  const slash = full.indexOf('/');
  return slash < 1 ? { name: full } : { name: full.slice(slash + 1), library: full.slice(0, slash) };
}
