import { asPortName, asRole } from '../names.js';
import { type Connection, toEdgeOrIip, withMetadata } from './connection.js';
import { GraphSyntaxError } from './errors.js';
import { type JsonPlaces, JsonScanError, scanJson } from './json-scan.js';
import { checkFbpJson, type FbpJson, isFault, type JsonPort } from './json-schema.js';
import { portNameIn } from './keys.js';
import type { Edge, ExportedPort, Graph, Group, Iip, Metadata, Node } from './model.js';
import { GraphPositions, LineIndex, type Located } from './positions.js';
import { type GraphDocument, type GraphSource, nameFrom } from './source.js';

/**
 * Reads FBP JSON. Unless the graph is case-sensitive its ports come out in lower case, as from .fbp.
 * @throws {GraphSyntaxError} for what is not JSON, a key that stands twice, and the first fault of its shape.
 */
export function readJson(text: string, source: GraphSource): GraphDocument {
  const index = new LineIndex(text);
  const fail = (offset: number, what: string, cause?: unknown): never => {
    throw new GraphSyntaxError(source.path, index.position(offset), what, { cause });
  };
  const places = scanned(text, fail);
  for (const { pointer, key, offset } of places.duplicates) {
    if (TABLES.includes(pointer)) fail(offset, `'${key}' stands twice in ${pointer.slice(1)}`);
  }
  const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
  const json = checkFbpJson(value);
  if (isFault(json)) return fail(nearest(places, json.pointer), `${json.pointer.slice(1) || 'the graph'} ${json.what}`);
  const pointers = new Map<Located, string>();
  const graph = new JsonGraphReader(json, pointers).read(nameFrom(source));
  const positions = new GraphPositions(source.path, (part) => {
    const offset = places.offsets.get(pointers.get(part) ?? '-');
    return offset === undefined ? undefined : index.position(offset);
  });
  return { graph, positions };
}

const TABLES = ['/processes', '/inports', '/outports'];

function scanned(text: string, fail: (offset: number, what: string, cause: unknown) => never): JsonPlaces {
  try {
    return scanJson(text);
  } catch (error) {
    if (error instanceof JsonScanError) return fail(error.offset, error.message, error);
    throw error;
  }
}

/** The place of the value itself or of the nearest one around it whose place was kept. */
function nearest({ offsets }: JsonPlaces, pointer: string): number {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const offset = offsets.get(at);
    if (offset !== undefined) return offset;
  }
  return offsets.get('') ?? 0;
}

class JsonGraphReader {
  readonly #json: FbpJson;
  readonly #pointers: Map<Located, string>;
  readonly #caseSensitive: boolean;

  constructor(json: FbpJson, pointers: Map<Located, string>) {
    this.#json = json;
    this.#pointers = pointers;
    this.#caseSensitive = json.caseSensitive ?? false;
  }

  read(fallbackName: string): Graph {
    const { name, ...properties } = this.#json.properties ?? {};
    return {
      name: typeof name === 'string' ? name : fallbackName,
      properties,
      caseSensitive: this.#caseSensitive,
      nodes: this.#nodes(),
      ...this.#connections(),
      inports: this.#exported('inports'),
      outports: this.#exported('outports'),
      groups: this.#groups(),
    };
  }

  #nodes(): Node[] {
    return Object.entries(this.#json.processes ?? {}).map(([role, { component, metadata }]) =>
      this.#place(`/processes/${escaped(role)}`, {
        role: asRole(role),
        component: component ?? '',
        ...withMetadata(metadata ?? undefined),
      }),
    );
  }

  #connections(): { edges: Edge[]; iips: Iip[] } {
    const edges: Edge[] = [];
    const iips: Iip[] = [];
    for (const [nth, { src, tgt, data, metadata }] of (this.#json.connections ?? []).entries()) {
      const connection: Connection = { tgt, ...(src ? { src } : { data }), ...optional(metadata) };
      const part = this.#place(`/connections/${nth}`, toEdgeOrIip(connection, this.#caseSensitive));
      if ('from' in part) edges.push(part);
      else iips.push(part);
    }
    return { edges, iips };
  }

  #exported(kind: 'inports' | 'outports'): ExportedPort[] {
    const ports: Readonly<Record<string, JsonPort>> = this.#json[kind] ?? {};
    return Object.entries(ports).map(([name, { process, port, metadata }]) =>
      this.#place(`/${kind}/${escaped(name)}`, {
        name: this.#caseSensitive ? asPortName(name) : portNameIn({ caseSensitive: false }, name),
        target: { role: asRole(process), port: portNameIn({ caseSensitive: this.#caseSensitive }, port) },
        ...withMetadata(metadata ?? undefined),
      }),
    );
  }

  #groups(): Group[] {
    return (this.#json.groups ?? []).map(({ name, nodes, metadata }, nth) =>
      this.#place(`/groups/${nth}`, { name, roles: nodes.map(asRole), ...withMetadata(metadata ?? undefined) }),
    );
  }

  #place<T extends Located>(pointer: string, part: T): T {
    this.#pointers.set(part, pointer);
    return part;
  }
}

const optional = (metadata: Metadata | null | undefined): { readonly metadata?: Metadata } =>
  withMetadata(metadata ?? undefined);

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
