import type { Graph } from './model.js';
import type { GraphPositions } from './positions.js';

/** Where a text comes from. */
export interface GraphSource {
  /** For messages, for the notation (by extension) and, without its folder and extension, for the graph's name. */
  readonly path: string;
  /** The name of a graph whose text gives none. @default the basename of `path` */
  readonly name?: string;
}

/** A graph and where its parts stand in the text. */
export interface GraphDocument {
  readonly graph: Graph;
  readonly positions: GraphPositions;
}

/** The name that a graph has when its text gives none. */
export function nameFrom({ path, name }: GraphSource): string {
  if (name !== undefined) return name;
  const base = path.split(/[\\/]/).pop() ?? path;
  return base.replace(/\.(fbp|json)$/i, '');
}
