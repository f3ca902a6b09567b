import { asRole, type Role } from '../names.js';
import { sameGraph } from './diff.js';
import { GraphNotWritableError } from './errors.js';
import { aliasesFor, aliasNotes, spelledRenames } from './fbp-aliases.js';
import {
  type Declaration,
  type FbpDocument,
  type FbpLine,
  type FbpStatement,
  parseFbpDocument,
} from './fbp-document.js';
import {
  connectionText,
  declarationText,
  exportText,
  graphNotes,
  inlineMetadata,
  nameNote,
  partNotes,
  sameMetadata,
} from './fbp-notation.js';
import { type Note, sameNote, writeNote } from './fbp-notes.js';
import { readFbp, readSpelled } from './fbp-reader.js';
import { Wanted } from './fbp-wanted.js';
import { edgeKey, iipKey, portKey } from './keys.js';
import type { Edge, Graph, Iip, Node } from './model.js';
import { renamePart } from './renames.js';
import { respelled } from './respelled.js';
import type { GraphSource } from './source.js';

/**
 * Changes a .fbp text as little as makes it say `graph`: lines whose statements all stay keep every character, comments
 * and blank lines stay, renamed nodes, other data and edges led elsewhere are changed in place, and what is new goes to the end
 * (exported ports and annotations to their like). An unchanged graph gives the same text. Order is not carried over.
 * `source` is the one that `text` is read with.
 * @throws {GraphSyntaxError} if `text` does not parse.
 * @throws {GraphNotWritableError} if .fbp cannot say it.
 */
export function patchFbp(text: string, graph: Graph, source: GraphSource): string {
  const document = parseFbpDocument(text, source.path);
  const { graph: before, spelled } = readSpelled(document, source);
  if (sameGraph(before, graph)) return text;
  const aliases = aliasesFor(graph, spelled);
  const wanted = respelled(graph, aliases);
  const renames = spelledRenames(spelled, before, graph, aliases);
  const patched = new Patch(document, spelled.graph, { graph: wanted, renames, notes: aliasNotes(aliases) }).text();
  if (!sameGraph(readFbp(patched, source).graph, graph))
    throw new GraphNotWritableError(`graph '${graph.name}'`, 'read again, it would not be the same');
  return patched;
}

/** The statements that take the place of one; `undefined` leaves it as it is. */
type Replacement = readonly string[] | undefined;

/** What the text is to spell, which roles it spells otherwise so far, and the notes of its aliases. */
interface Goal {
  readonly graph: Graph;
  readonly renames: ReadonlyMap<Role, Role>;
  readonly notes: readonly Note[];
}

class Patch {
  readonly #document: FbpDocument;
  readonly #graph: Graph;
  readonly #renames: ReadonlyMap<Role, Role>;
  readonly #nodes: ReadonlyMap<Role, Node>;
  readonly #wanted: Wanted;
  /** What stands from now on where a connection of the text stood. */
  readonly #places = new Map<Edge | Iip, Edge | Iip | undefined>();
  /** Roles that the declarations in the text, as they are, do not declare as wanted. */
  readonly #stale: ReadonlySet<Role>;
  readonly #newline: string;
  /** From the first anonymous node that goes on, the made-up names of the later ones would be others. */
  #nameAnonymous = false;
  readonly #rewriteAll: boolean;

  constructor(document: FbpDocument, before: Graph, { graph, renames, notes }: Goal) {
    this.#document = document;
    this.#graph = graph;
    this.#renames = renames;
    this.#nodes = new Map(graph.nodes.map((node) => [node.role, node]));
    const named = document.lines.some(({ note }) => note?.kind === 'property' && note.key === 'name');
    const name = named || before.name !== graph.name ? [nameNote(graph)] : [];
    this.#wanted = new Wanted(graph, [...name, ...graphNotes(graph)], [...notes, ...partNotes(graph)]);
    this.#stale = this.#findStale();
    this.#newline = /\r\n|[\n\r]/.exec(document.text)?.[0] ?? '\n';
    this.#rewriteAll = before.caseSensitive !== graph.caseSensitive;
  }

  text(): string {
    this.#settleConnections();
    const { lines } = this.#document;
    const texts = lines.map((line) => (line.note ? this.#noteLine(line, line.note) : this.#line(line)));
    const rest = this.#wanted.rest();
    const { caseSensitive } = this.#graph;
    const declared = new Set(this.#statements().flatMap(({ declares }) => this.#survivors(declares)));
    const afterNotes =
      lines.findLastIndex(({ note }) => note?.kind === 'property' || note?.kind === 'caseSensitive') + 1;
    const afterExports = lines.findLastIndex(({ statements }) => statements.some(isExport)) + 1;
    this.#insert(texts, texts.length, [
      ...this.#graph.nodes.filter((node) => !declared.has(node)).map(declarationText),
      ...rest.parts.map((part) => connectionText(part, caseSensitive)),
      ...rest.partNotes.map(writeNote),
    ]);
    this.#insert(texts, Math.max(afterNotes, afterExports), [
      ...rest.inports.map((port) => exportText('INPORT', port, caseSensitive)),
      ...rest.outports.map((port) => exportText('OUTPORT', port, caseSensitive)),
    ]);
    this.#insert(texts, afterNotes, rest.graphNotes.map(writeNote));
    return texts.join('');
  }

  #statements(): FbpStatement[] {
    return this.#document.lines.flatMap(({ statements }) => statements);
  }

  /** Exact matches first, so that a connection is led elsewhere only where nothing else asks for its place. */
  #settleConnections(): void {
    const parts = this.#statements().flatMap((statement) => statement.parts);
    const open = parts.filter((part) => {
      const match = this.#wanted.takePart(renamePart(part, this.#renames));
      this.#places.set(part, match);
      return match === undefined;
    });
    const iipsAt = new Map<string, number>();
    for (const part of parts) {
      if (!('from' in part)) iipsAt.set(portKey(part.to), (iipsAt.get(portKey(part.to)) ?? 0) + 1);
    }
    for (const part of open) {
      if ((iipsAt.get(portKey(part.to)) ?? 0) > 1 && !('from' in part)) continue; // their order counts
      this.#places.set(part, this.#wanted.takeSimilar(renamePart(part, this.#renames)));
    }
  }

  #findStale(): Set<Role> {
    const holding = new Map<Role, Declaration[]>();
    for (const declaration of this.#statements().flatMap(({ declares }) => declares)) {
      const list = holding.get(declaration.role) ?? [];
      holding.set(declaration.role, this.#holds(declaration) ? [...list, declaration] : list);
    }
    const stale = [...holding].filter(([role, declarations]) => {
      const node = this.#nodeStill(role);
      const metadata = declarations.findLast((declaration) => declaration.metadata !== undefined)?.metadata ?? {};
      const component = declarations.find((declaration) => declaration.component !== '')?.component ?? '';
      return !node || component !== node.component || !sameMetadata(metadata, inlineMetadata(node));
    });
    return new Set(stale.map(([role]) => role));
  }

  #holds({ role, component, metadata }: Declaration): boolean {
    const node = this.#nodeStill(role);
    if (!node || (component !== '' && component !== node.component)) return false;
    return metadata === undefined || sameMetadata(metadata, inlineMetadata(node));
  }

  /** The node that a role of the text means now as before. */
  #nodeStill(role: Role): Node | undefined {
    return this.#renames.has(role) ? undefined : this.#nodes.get(role);
  }

  #survivors(declares: readonly Declaration[]): Node[] {
    return declares.flatMap(({ role }) => this.#nodes.get(this.#renames.get(role) ?? role) ?? []);
  }

  #noteLine({ end, next, start }: FbpLine, note: Note): string {
    const wanted = this.#wanted.takeNote(this.#renamedNote(note));
    if (!wanted) return '';
    const { text } = this.#document;
    return sameNote(wanted, note) ? text.slice(start, next) : `${writeNote(wanted)}${text.slice(end, next)}`;
  }

  #renamedNote(note: Note): Note {
    const renamed = (role: string): Role => this.#renames.get(asRole(role)) ?? asRole(role);
    if (note.kind === 'role') return { ...note, alias: renamed(note.alias) };
    return note.kind === 'node' ? { ...note, role: renamed(note.role) } : note;
  }

  /** The line with its indentation and comment around what becomes of its statements; `''` when nothing is left. */
  #line({ start, end, next, statements, comment }: FbpLine): string {
    const { text } = this.#document;
    const replaced = statements.map((statement) => this.#replace(statement));
    if (replaced.every((replacement) => replacement === undefined)) return text.slice(start, next);
    const indent = text.slice(start, statements[0]?.start ?? start);
    const kept = statements.map((statement, nth) => replaced[nth] ?? [text.slice(statement.start, statement.end)]);
    const body = kept
      .filter((group) => group.length > 0)
      .map((group) => group.join(this.#newline + indent))
      .join(', ');
    const lineEnd = text.slice(end, next);
    if (!comment) return body === '' ? '' : `${indent}${body}${lineEnd}`;
    const gap = text.slice(statements.at(-1)?.end ?? start, comment.start).replace(',', '') || ' ';
    // The blank keeps a comment that now stands alone from being read as an annotation.
    return `${indent}${body}${gap}${text.slice(comment.start, comment.end)}${lineEnd}`;
  }

  #replace(statement: FbpStatement): Replacement {
    const { declares, parts, setsDefault } = statement;
    if (setsDefault) return undefined;
    const exports = this.#exports(statement);
    const anonymous = declares.some((declaration) => declaration.anonymous);
    const same =
      !this.#rewriteAll &&
      exports.same &&
      !(anonymous && this.#nameAnonymous) &&
      declares.every((declaration) => this.#holds(declaration) && !this.#stale.has(declaration.role)) &&
      parts.every((part) => sameEnds(part, this.#places.get(part)));
    if (same) return undefined;
    this.#nameAnonymous ||= anonymous;
    const toDeclare = new Map(this.#survivors(declares).map((node) => [node.role, node]));
    const mention = (role: Role): string | undefined => {
      const node = toDeclare.get(role);
      toDeclare.delete(role);
      return node && declarationText(node);
    };
    const connections = parts.flatMap((part) => {
      const now = this.#places.get(part);
      return now ? [connectionText(now, this.#graph.caseSensitive, mention)] : [];
    });
    return [...exports.texts, ...connections, ...[...toDeclare.values()].map(declarationText)];
  }

  #exports({ inports, outports }: FbpStatement): { readonly same: boolean; readonly texts: readonly string[] } {
    const ports = [
      ...inports.map((port) => ({ kind: 'INPORT' as const, port, now: this.#wanted.takeExport('inports', port) })),
      ...outports.map((port) => ({ kind: 'OUTPORT' as const, port, now: this.#wanted.takeExport('outports', port) })),
    ];
    const { caseSensitive } = this.#graph;
    return {
      same: ports.every(({ port, now }) => now && portKey(port.target) === portKey(now.target)),
      texts: ports.flatMap(({ kind, now }) => (now ? [exportText(kind, now, caseSensitive)] : [])),
    };
  }

  /** Puts whole lines before the `at`th, ending the last one before them if nothing does. */
  #insert(texts: string[], at: number, lines: readonly string[]): void {
    if (lines.length === 0) return;
    const before = texts.slice(0, at).findLast((text) => text !== '') ?? '\n';
    const lead = /[\n\r\u2028\u2029]$/.test(before) ? '' : this.#newline;
    texts.splice(at, 0, `${lead}${lines.map((line) => line + this.#newline).join('')}`);
  }
}

const isExport = ({ inports, outports }: FbpStatement): boolean => inports.length + outports.length > 0;

function sameEnds(part: Edge | Iip, now: Edge | Iip | undefined): boolean {
  if (now === undefined) return false;
  if ('from' in part) return 'from' in now && edgeKey(part) === edgeKey(now);
  return !('from' in now) && iipKey(part) === iipKey(now);
}
