import {
  assertValid,
  type Graph,
  type GraphDocument,
  patchFbp,
  readGraph,
  sameGraph,
  validateGraph,
  writeFbp,
  writeJson,
} from '../graph/index.js';
import { GraphFileError } from './errors.js';

/** The longest graph file that is read. */
export const MAX_GRAPH_BYTES = 64 * 1024 * 1024;

export interface Rendered {
  readonly text: string;
  readonly document: GraphDocument;
}

/** @throws {GraphSyntaxError | GraphInvalidError} naming file and line @throws {UsageError} for another extension */
export function readDocument(text: string, path: string): GraphDocument {
  const document = readGraph(text, { path });
  assertValid(validateGraph(document.graph, document.positions));
  return document;
}

/**
 * The text of a graph file that says `graph`: `text` with as little changed as its notation lets us, a fresh one where
 * there is none. What is given back has been read again.
 * @throws {GraphNotWritableError} where .fbp cannot say it @throws {GraphInvalidError} where it could not be read again
 */
export function renderGraph(text: string | undefined, graph: Graph, path: string): Rendered {
  const rendered = /\.fbp$/i.test(path) ? fbpText(text, graph, path) : jsonText(text, graph);
  const document = readDocument(rendered, path);
  if (sameGraph(document.graph, graph)) return { text: rendered, document };
  throw new GraphFileError(path, `graph '${graph.name}' cannot be written: read again, it would not be the same`);
}

function fbpText(text: string | undefined, graph: Graph, path: string): string {
  return text === undefined ? writeFbp(graph) : patchFbp(text, graph, { path });
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
