import type { ParsedFbp } from 'fbp';
import { asPortName, asRole, type Role } from '../names.js';
import { type Connection, toEdgeOrIip, withMetadata } from './connection.js';
import { GraphSyntaxError } from './errors.js';
import { type Note, readNote } from './fbp-notes.js';
import { FbpParseError, parseFbp } from './fbp-package.js';
import { type FbpRow, type FbpSlice, type FbpSpan, type FbpToken, scanRows } from './fbp-rows.js';
import type { Edge, ExportedPort, Iip, Metadata } from './model.js';
import { LineIndex } from './positions.js';

/** A node as one statement mentions it with brackets; `''` for a component that is not repeated. */
export interface Declaration {
  readonly role: Role;
  readonly component: string;
  readonly metadata?: Metadata;
  /** True where the text gives no role and the grammar makes one up by counting. */
  readonly anonymous: boolean;
}

/** What one statement says. */
export interface FbpStatement extends FbpSpan {
  readonly declares: readonly Declaration[];
  readonly parts: readonly (Edge | Iip)[];
  readonly inports: readonly ExportedPort[];
  readonly outports: readonly ExportedPort[];
  readonly setsDefault: boolean;
}

export interface FbpLine extends Omit<FbpRow, 'statements'> {
  readonly statements: readonly FbpStatement[];
  readonly note?: Note;
}

/** A .fbp text, taken apart without losing a character. */
export interface FbpDocument {
  readonly text: string;
  readonly path: string;
  readonly lines: readonly FbpLine[];
  readonly caseSensitive: boolean;
  readonly index: LineIndex;
}

/** @throws {GraphSyntaxError} */
export function parseFbpDocument(text: string, path: string): FbpDocument {
  const index = new LineIndex(text);
  const rows = scanRows(text, path);
  const notes = rows.map((row) => noteOf(text, path, row, index));
  const caseSensitive = notes.some((note) => note?.kind === 'caseSensitive' && note.value);
  const reader = new StatementReader(text, path, index, caseSensitive, rows);
  const lines = rows.map((row, nth) => {
    const note = notes[nth];
    return { ...row, statements: row.statements.map((slice) => reader.read(slice)), ...(note && { note }) };
  });
  return { text, path, lines, caseSensitive, index };
}

function noteOf(text: string, path: string, row: FbpRow, index: LineIndex): Note | undefined {
  if (!row.comment || row.statements.length > 0) return undefined;
  try {
    return readNote(text.slice(row.start, row.end));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GraphSyntaxError(path, index.position(row.comment.start), `bad annotation: ${error.message}`, {
      cause: error,
    });
  }
}

const DEFAULT_PORT = /^DEFAULT_(?:IN|OUT)PORT=/;
const DIRECTIVE = /^(?:DEFAULT_)?(?:IN|OUT)PORT=/;
const JSON_WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['null', null],
  ['true', true],
  ['false', false],
]);

/** Gives statements their meaning through the `fbp` package, one by one and in order, since some lean on earlier ones. */
class StatementReader {
  readonly #text: string;
  readonly #path: string;
  readonly #index: LineIndex;
  readonly #caseSensitive: boolean;
  readonly #declared: ReadonlySet<string>;
  readonly #anonymous = new Map<string, number>();
  #defaults = '';

  constructor(text: string, path: string, index: LineIndex, caseSensitive: boolean, rows: readonly FbpRow[]) {
    this.#text = text;
    this.#path = path;
    this.#index = index;
    this.#caseSensitive = caseSensitive;
    const tokens = rows.flatMap((row) => row.statements.flatMap((slice) => slice.tokens));
    this.#declared = new Set(tokens.flatMap((token) => (token.kind === 'word' && token.declares ? [token.text] : [])));
  }

  read(slice: FbpSlice): FbpStatement {
    const { start, end, tokens } = slice;
    this.#refuseInherited(tokens);
    const text = this.#text.slice(start, end);
    const setsDefault = DEFAULT_PORT.test(text);
    const parsed = this.#parse(text, start);
    if (setsDefault) this.#defaults += `${text}\n`;
    if (!DIRECTIVE.test(text)) this.#refuseLost(parsed, slice);
    const made = this.#namesMadeUp(tokens);
    const roleOf = (name: string): Role => asRole(made.get(name) ?? name);
    const exported = (ports: ParsedFbp['inports']): ExportedPort[] =>
      Object.entries(ports).map(([name, { process, port }]) => ({
        name: asPortName(name),
        target: { role: roleOf(process), port: asPortName(port) },
      }));
    return {
      start,
      end,
      setsDefault,
      declares: this.#declarations(parsed, made, start),
      parts: this.#connections(parsed, slice, roleOf),
      inports: exported(parsed.inports),
      outports: exported(parsed.outports),
    };
  }

  #parse(text: string, start: number): ParsedFbp {
    try {
      return parseFbp(this.#defaults + text, this.#caseSensitive);
    } catch (error) {
      if (!(error instanceof FbpParseError)) throw error;
      this.#fail(start + Math.max(0, error.offset - this.#defaults.length), error.message, error);
    }
  }

  /** The package keeps nodes in a plain object, where these names are taken. */
  #refuseInherited(tokens: readonly FbpToken[]): void {
    for (const token of tokens) {
      const name = token.kind === 'word' ? token.text : token.kind === 'anonymous' ? componentOf(token.text) : '';
      if (name !== '' && name in Object.prototype) this.#fail(token.start, `the name '${name}' cannot be used in .fbp`);
    }
  }

  /** Refuses what the grammar lets pass and then forgets. */
  #refuseLost(parsed: ParsedFbp, { tokens, start }: FbpSlice): void {
    const arrows = tokens.filter(({ kind }) => kind === 'arrow').length;
    if (arrows > parsed.connections.length) {
      const iip = tokens.find((token, nth) => nth > 0 && token.kind === 'iip');
      if (iip) this.#fail(iip.start, 'data can only stand at the start of a connection');
      this.#fail(start, 'a node between two arrows needs both its ports: a OUT -> IN b OUT -> IN c');
    }
    const last = tokens.slice(tokens.findLastIndex(({ kind }) => kind === 'arrow') + 1);
    const node = arrows > 0 && !declares(last[0]) && last.length > 1 ? 2 : arrows > 0 ? 1 : 0;
    const stray = last.slice(node).find((token) => !declares(token));
    if (stray) this.#fail(stray.start, `'${wordAt(this.#text, stray.start)}' is connected to nothing`);
  }

  /** From the name that the package gives an anonymous node of this statement to the one it has in the whole text. */
  #namesMadeUp(tokens: readonly FbpToken[]): ReadonlyMap<string, string> {
    const here = new Map<string, number>();
    const names = new Map<string, string>();
    for (const token of tokens) {
      if (token.kind !== 'anonymous') continue;
      const base = componentOf(token.text).replace(/[^a-zA-Z0-9]+/, '_');
      const nthHere = (here.get(base) ?? 0) + 1;
      const nth = (this.#anonymous.get(base) ?? 0) + 1;
      here.set(base, nthHere);
      this.#anonymous.set(base, nth);
      names.set(`_${base}_${nthHere}`, `_${base}_${nth}`);
    }
    return names;
  }

  #declarations(parsed: ParsedFbp, made: ReadonlyMap<string, string>, start: number): Declaration[] {
    return Object.entries(parsed.processes).map(([name, { component = '', metadata }]) => {
      for (const key of ['x', 'y']) {
        const value = metadata?.[key];
        if (value !== undefined && !Number.isFinite(value)) this.#fail(start, `${key} of '${name}' is not a number`);
      }
      const anonymous = made.has(name);
      return { role: asRole(made.get(name) ?? name), component, anonymous, ...withMetadata(metadata) };
    });
  }

  #connections(parsed: ParsedFbp, { tokens }: FbpSlice, roleOf: (name: string) => Role): (Edge | Iip)[] {
    const texts = tokens.flatMap((token) => (token.kind === 'iip' ? [token.json] : []));
    const [first, second] = tokens;
    const word =
      first?.kind === 'word' && second?.kind === 'arrow' && !this.#declared.has(first.text) ? first.text : '';
    return parsed.connections.map((connection, nth) => {
      const tgt = { ...connection.tgt, process: roleOf(connection.tgt.process) };
      if (!connection.src) {
        const json = texts.shift();
        const data: unknown = json === undefined ? connection.data : JSON.parse(json);
        return toEdgeOrIip({ tgt, data }, this.#caseSensitive);
      }
      if (nth === 0 && JSON_WORDS.has(word))
        return toEdgeOrIip({ tgt, data: JSON_WORDS.get(word) }, this.#caseSensitive);
      const src = { ...connection.src, process: roleOf(connection.src.process) };
      return toEdgeOrIip({ src, tgt } satisfies Connection, this.#caseSensitive);
    });
  }

  #fail(offset: number, what: string, cause?: Error): never {
    throw new GraphSyntaxError(this.#path, this.#index.position(offset), what, { cause });
  }
}

const declares = (token: FbpToken | undefined): boolean =>
  token?.kind === 'anonymous' || (token?.kind === 'word' && token.declares);

const wordAt = (text: string, offset: number): string => /[^\s,]*/.exec(text.slice(offset, offset + 80))?.[0] ?? '';

const componentOf = (bracketed: string): string => bracketed.slice(1, -1).split(':', 1)[0] ?? '';
