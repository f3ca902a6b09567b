import { UsageError } from '../errors.js';
import { readFbp } from './fbp-reader.js';
import { readJson } from './json-reader.js';
import type { GraphDocument, GraphSource } from './source.js';

/**
 * Reads a graph in the notation that the path's extension names, `.fbp` or `.json`.
 * @throws {GraphSyntaxError} @throws {UsageError} for any other extension.
 */
export function readGraph(text: string, source: GraphSource): GraphDocument {
  if (/\.fbp$/i.test(source.path)) return readFbp(text, source);
  if (/\.json$/i.test(source.path)) return readJson(text, source);
  throw new UsageError(`${source.path}: a graph is a .fbp or a .json file`);
}
