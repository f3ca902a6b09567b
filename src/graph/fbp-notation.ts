import type { PortName, Role } from '../names.js';
import { canonicalJson } from '../support/index.js';
import { fromEdgeOrIip } from './connection.js';
import { GraphNotWritableError } from './errors.js';
import type { Note } from './fbp-notes.js';
import type { Edge, ExportedPort, Graph, Iip, Metadata, Node } from './model.js';

/**
 * Graph parts as .fbp text. Names are written as they are: those beyond the alphabet have had their aliases put in. What
 * connects and runs is written so that every reader of the notation understands it, or refused; what decorates (metadata
 * beyond plain words, groups, properties) goes into annotation lines, which other readers take for comments.
 */
const PLAIN_WORD = /^[A-Za-z0-9_/]*$/;
/** No quote trouble, no character that some reader takes for a line end, no backslash before the closing quote. */
const QUOTABLE = /^(?:[^\p{Cc}\u2028\u2029]*[^\p{Cc}\u2028\u2029\\])?$/u;
const MAX_COORDINATE = 1e15;

const inherited = (name: string): boolean => name in Object.prototype;

function portText(port: PortName, caseSensitive: boolean, index?: number): string {
  if (index !== undefined && !(Number.isSafeInteger(index) && index >= 0))
    throw new GraphNotWritableError(`port '${port}' with index ${index}`, 'an index is a whole number');
  return `${caseSensitive ? port : port.toUpperCase()}${index === undefined ? '' : `[${index}]`}`;
}

/** The metadata that fit between the brackets of a declaration. */
export function inlineMetadata({ metadata = {} }: Node): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([key, value]) => isInline(key, value)));
}

function isInline(key: string, value: unknown): boolean {
  if (key === '' || !PLAIN_WORD.test(key) || inherited(key)) return false;
  if (key !== 'x' && key !== 'y') return typeof value === 'string' && PLAIN_WORD.test(value);
  return (
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= 0 &&
    value < MAX_COORDINATE &&
    !Object.is(value, -0)
  );
}

/** `role(component:key=value)`. */
export function declarationText(node: Node): string {
  const { role, component } = node;
  const metadata = Object.entries(inlineMetadata(node)).map(([key, value]) => `${key}=${String(value)}`);
  return `${role}(${component}${metadata.length > 0 ? ':' : ''}${metadata.join(',')})`;
}

/** One connection; `mention` may give a role's text together with its declaration. */
export function connectionText(
  part: Edge | Iip,
  caseSensitive: boolean,
  mention: (role: Role) => string | undefined = () => undefined,
): string {
  const nodeText = (role: Role): string => mention(role) ?? role;
  const portOf = ({ port, index }: Edge['to']): string => portText(port, caseSensitive, index);
  const { to } = part;
  const from = 'from' in part ? `${nodeText(part.from.role)} ${portOf(part.from)}` : iipText(part.data, to.role);
  return `${from} -> ${portOf(to)} ${nodeText(to.role)}`;
}

/** A leading tab makes the grammar read a bare word as JSON and not as a node of that name. */
function iipText(data: unknown, role: Role): string {
  if (typeof data === 'string' && QUOTABLE.test(data)) return `'${data.replaceAll("'", "\\'")}'`;
  const json = JSON.stringify(data);
  if (json === undefined) throw new GraphNotWritableError(`an IIP of '${role}'`, 'its data are not JSON');
  return data === null || typeof data === 'boolean' ? `\t${json}` : json;
}

/** `INPORT=role.PORT:NAME`. */
export function exportText(kind: 'INPORT' | 'OUTPORT', { name, target }: ExportedPort, caseSensitive: boolean): string {
  const port = portText(target.port, caseSensitive);
  return `${kind}=${target.role}.${port}:${portText(name, caseSensitive)}`;
}

/** The annotation of the graph's name apart: a text may leave it to the name of its file. */
export const nameNote = ({ name }: Graph): Note => ({ kind: 'property', key: 'name', value: name });

/** Annotations about the graph as a whole, which stand first. */
export function graphNotes({ properties, caseSensitive }: Graph): Note[] {
  const notes = Object.entries(properties).map(([key, value]): Note => ({ kind: 'property', key, value }));
  return caseSensitive ? [...notes, { kind: 'caseSensitive', value: true }] : notes;
}

/** Annotations about its parts, which stand last. */
export function partNotes(graph: Graph): Note[] {
  return [
    ...graph.groups.map(
      ({ name, roles, metadata }): Note => ({
        kind: 'group',
        name,
        nodes: roles,
        ...(isFull(metadata) && { metadata }),
      }),
    ),
    ...graph.nodes.flatMap((node): Note[] => {
      const rest = Object.entries(node.metadata ?? {}).filter(([key, value]) => !isInline(key, value));
      return rest.length > 0 ? [{ kind: 'node', role: node.role, metadata: Object.fromEntries(rest) }] : [];
    }),
    ...[...graph.edges, ...graph.iips].flatMap((part): Note[] =>
      isFull(part.metadata) ? [{ kind: 'edge', connection: fromEdgeOrIip(part) }] : [],
    ),
    ...exportNotes('inport', graph.inports),
    ...exportNotes('outport', graph.outports),
  ];
}

function exportNotes(kind: 'inport' | 'outport', ports: readonly ExportedPort[]): Note[] {
  return ports.flatMap(({ name, metadata }) => (isFull(metadata) ? [{ kind, name, metadata }] : []));
}

const isFull = (metadata: Metadata | undefined): metadata is Metadata =>
  metadata !== undefined && Object.keys(metadata).length > 0;

export const sameMetadata = (a: Metadata, b: Metadata): boolean => canonicalJson(a) === canonicalJson(b);
