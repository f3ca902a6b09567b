import { canonicalJson, isRecord } from '../support/index.js';
import { type Connection, toEdgeOrIip } from './connection.js';
import { edgeKey, iipKey } from './keys.js';
import type { Metadata } from './model.js';
import type { NameKind } from './respelled.js';

/**
 * A fact that an annotation line carries: `# @name Hello`, in the words of the `fbp` package, or one of ours, whose value
 * is a JSON object and which the package takes for a comment: `# @node {"role":"a","metadata":{"x":-1.5}}`.
 */
export type Note =
  | AliasNote
  | { readonly kind: 'property'; readonly key: string; readonly value: unknown }
  | { readonly kind: 'caseSensitive'; readonly value: boolean }
  | { readonly kind: 'node'; readonly role: string; readonly metadata: Metadata }
  | { readonly kind: 'edge'; readonly connection: Connection }
  | { readonly kind: 'inport' | 'outport'; readonly name: string; readonly metadata: Metadata }
  | { readonly kind: 'group'; readonly name: string; readonly nodes: readonly string[]; readonly metadata?: Metadata };

/** What stands in the text as `alias` is called `name`. */
export interface AliasNote {
  readonly kind: NameKind;
  readonly alias: string;
  readonly name: string;
}

const SIMPLE = /^# +@([A-Za-z0-9_-]+) +([A-Za-z0-9_.-][A-Za-z0-9_ .-]*)$/;
const OURS = /^# +@(role|component|port|property|node|edge|inport|outport|group) +(\{.*\}) *$/;
const SIMPLE_KEY = /^[A-Za-z0-9_-]+$/;
const SIMPLE_VALUE = /^[A-Za-z0-9_.-](?:[A-Za-z0-9_ .-]*[A-Za-z0-9_.-])?$/;

/** What two notes are about: a later one replaces an earlier one of the same subject. */
export function subjectOf(note: Note): string {
  switch (note.kind) {
    case 'property':
      return `property ${note.key}`;
    case 'caseSensitive':
      return 'caseSensitive';
    case 'role':
    case 'component':
    case 'port':
      return `${note.kind} ${note.alias}`;
    case 'node':
      return `node ${note.role}`;
    case 'edge': {
      const part = toEdgeOrIip(note.connection, true);
      return 'from' in part ? `edge ${edgeKey(part)}` : `iip ${iipKey(part)}`;
    }
    default:
      return `${note.kind} ${note.name}`;
  }
}

export const sameNote = (a: Note, b: Note): boolean => canonicalJson(a) === canonicalJson(b);

/** Reads the whole of a line that holds nothing but a comment. @throws {SyntaxError} for one of ours with bad JSON. */
export function readNote(line: string): Note | undefined {
  const ours = OURS.exec(line);
  if (ours) return readOurs(ours[1] ?? '', ours[2] ?? '');
  const simple = SIMPLE.exec(line);
  if (!simple) return undefined;
  const [, key = '', value = ''] = simple;
  if (key === 'caseSensitive') return { kind: 'caseSensitive', value: value.trim() === 'true' };
  if (key === 'runtime') return { kind: 'property', key: 'environment', value: { type: value } };
  return { kind: 'property', key, value };
}

function readOurs(kind: string, json: string): Note {
  const value: unknown = JSON.parse(json);
  const note = isRecord(value) ? toNote(kind, value) : undefined;
  if (!note) throw new SyntaxError(`this does not read as a ${kind}`);
  return note;
}

function toNote(kind: string, value: Readonly<Record<string, unknown>>): Note | undefined {
  const { role, name, nodes, metadata } = value;
  const [entry, ...more] = Object.entries(value);
  const only = more.length === 0 ? entry : undefined;
  if (kind === 'property') return only && { kind, key: only[0], value: only[1] };
  if (kind === 'role' || kind === 'component' || kind === 'port') {
    return typeof only?.[1] === 'string' ? { kind, alias: only[0], name: only[1] } : undefined;
  }
  if (kind === 'group') {
    if (typeof name !== 'string' || !Array.isArray(nodes) || !nodes.every((node) => typeof node === 'string')) return;
    return { kind, name, nodes, ...(isRecord(metadata) && { metadata }) };
  }
  if (!isRecord(metadata)) return undefined;
  if (kind === 'node') return typeof role === 'string' ? { kind, role, metadata } : undefined;
  if (kind === 'inport' || kind === 'outport') return typeof name === 'string' ? { kind, name, metadata } : undefined;
  const { src, tgt } = value;
  if (!isEnd(tgt) || (!isEnd(src) && !('data' in value))) return undefined;
  return { kind: 'edge', connection: { tgt, metadata, ...(isEnd(src) ? { src } : { data: value['data'] }) } };
}

/** The line, without its end. */
export function writeNote(note: Note): string {
  switch (note.kind) {
    case 'property':
      return writeProperty(note.key, note.value);
    case 'caseSensitive':
      return `# @caseSensitive ${note.value}`;
    case 'role':
    case 'component':
    case 'port':
      return `# @${note.kind} ${oneLine(Object.fromEntries([[note.alias, note.name]]))}`;
    case 'edge':
      return `# @edge ${oneLine(note.connection)}`;
    default: {
      const { kind, ...value } = note;
      return `# @${kind} ${oneLine(value)}`;
    }
  }
}

function writeProperty(key: string, value: unknown): string {
  const type = key === 'environment' && isRecord(value) && Object.keys(value).length === 1 ? value['type'] : undefined;
  if (typeof type === 'string' && SIMPLE_VALUE.test(type)) return `# @runtime ${type}`;
  const simple = SIMPLE_KEY.test(key) && !['runtime', 'caseSensitive', '__proto__'].includes(key);
  if (simple && typeof value === 'string' && SIMPLE_VALUE.test(value)) return `# @${key} ${value}`;
  return `# @property ${oneLine(Object.fromEntries([[key, value]]))}`;
}

/** JSON that holds no character which ends a line in .fbp. */
const oneLine = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u2028\u2029]/g, (end) => (end === '\u2028' ? '\\u2028' : '\\u2029'));

function isEnd(value: unknown): value is Connection['tgt'] {
  if (!isRecord(value)) return false;
  const { process, port, index } = value;
  return typeof process === 'string' && typeof port === 'string' && (index === undefined || Number.isInteger(index));
}
