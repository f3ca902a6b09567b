import { emptyGraph, type Graph } from '../graph/index.js';
import type { NewGraph } from '../protocol/index.js';
import { OtherGraphError } from './errors.js';

/** How clients name a graph: with the namespace of the project in front, where it has one. */
export function graphIdOf({ name }: Graph, namespace: string | undefined): string {
  return namespace === undefined || name.includes('/') ? name : `${namespace}/${name}`;
}

/** The empty graph that a client asks for, named as it names it, without the project's namespace. */
export function newGraph({ id, description, icon, library }: NewGraph, namespace: string | undefined): Graph {
  const prefix = namespace === undefined ? '' : `${namespace}/`;
  const name = id.startsWith(prefix) && id.length > prefix.length ? id.slice(prefix.length) : id;
  const properties = {
    ...(description === undefined ? {} : { description }),
    ...(icon === undefined ? {} : { icon }),
    ...(library === undefined ? {} : { library }),
  };
  return { ...emptyGraph(name), properties };
}

/**
 * Whether a graph may take the place of the one there is. Where that stands in a file, an editor that only goes from one
 * of its graphs to the next must not empty it.
 * @throws {OtherGraphError}
 */
export function checkReplaces(
  { id, isMain }: NewGraph,
  there: { readonly names: readonly string[]; readonly file: string | undefined },
): void {
  if (isMain || there.file === undefined || there.names.includes(id)) return;
  throw new OtherGraphError(
    `this runtime runs the graph '${there.names[0]}' of ${there.file}; a graph '${id}' takes its place only as the main one (main: true)`,
  );
}
