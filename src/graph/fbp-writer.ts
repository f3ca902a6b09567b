import { aliasesFor, aliasNotes } from './fbp-aliases.js';
import { connectionText, declarationText, exportText, graphNotes, nameNote, partNotes } from './fbp-notation.js';
import { writeNote } from './fbp-notes.js';
import type { Graph } from './model.js';
import { respelled } from './respelled.js';

/**
 * A fresh .fbp text: annotations, exported ports, one line a node, one line a connection, IIPs last, and at the end, as
 * annotations of ours, what the notation has no words for. To change an existing text use `patchFbp`.
 * @throws {GraphNotWritableError} naming the first thing that the notation cannot say.
 */
export function writeFbp(graph: Graph): string {
  const aliases = aliasesFor(graph);
  const spelled = respelled(graph, aliases);
  const { caseSensitive, inports, outports, nodes, edges, iips } = spelled;
  const blocks = [
    [nameNote(graph), ...graphNotes(graph)].map(writeNote),
    [
      ...inports.map((port) => exportText('INPORT', port, caseSensitive)),
      ...outports.map((port) => exportText('OUTPORT', port, caseSensitive)),
    ],
    nodes.map(declarationText),
    [...edges, ...iips].map((part) => connectionText(part, caseSensitive)),
    [...aliasNotes(aliases), ...partNotes(spelled)].map(writeNote),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}
