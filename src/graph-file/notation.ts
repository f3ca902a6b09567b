import {
  assertValid,
  type Graph,
  type GraphDocument,
  patchFbp,
  readGraph,
  readJson,
  sameGraph,
  validateGraph,
  writeFbp,
  writeJson,
} from '../graph/index.js';
import { GraphFileError } from './errors.js';

/** The longest graph file that is read. */
export const MAX_GRAPH_BYTES = 64 * 1024 * 1024;

/** What there is without a graph file. */
export const noFile = (): GraphDocument => readJson('{}', { path: '(no graph file)', name: 'main' });

/** @throws {GraphSyntaxError | GraphInvalidError} naming file and line @throws {UsageError} for another extension */
export function readDocument(text: string, path: string): GraphDocument {
  const document = readGraph(text, { path });
  assertValid(validateGraph(document.graph, document.positions));
  return document;
}

/**
 * The text of a graph file that says `graph`: `text` with as little changed as its notation lets us, a fresh one where
 * there is none. Read again it is the same graph.
 * @throws {GraphNotWritableError} where .fbp cannot say it
 * @throws {GraphInvalidError | GraphFileError} where it would be refused, or another graph, when it is read
 */
export function renderGraph(text: string | undefined, graph: Graph, path: string): string {
  assertValid(validateGraph(graph));
  const isFbp = /\.fbp$/i.test(path);
  if (isFbp && text !== undefined) return patchFbp(text, graph, { path }); // which reads it again itself
  const rendered = isFbp ? writeFbp(graph) : jsonText(text, graph);
  if (sameGraph(readGraph(rendered, { path }).graph, graph)) return rendered;
  throw new GraphFileError(path, `graph '${graph.name}' cannot be written: read again, it would not be the same`);
}

/** With the indentation, the line ends and those keys of the top level that mean nothing to us as they were. */
function jsonText(text: string | undefined, graph: Graph): string {
  const fresh = writeJson(graph);
  if (text === undefined) return fresh;
  const known = Object.entries(JSON.parse(fresh));
  const was = Object.entries(JSON.parse(text.replace(/^\uFEFF/, '')));
  const others = was.filter(([key]) => !known.some(([own]) => own === key));
  const indent = /[\n\r]([ \t]+)\S/.exec(text)?.[1] ?? 2;
  const json = `${JSON.stringify(Object.fromEntries([...known, ...others]), null, indent)}\n`;
  return text.includes('\r\n') ? json.replaceAll('\n', '\r\n') : json;
}
