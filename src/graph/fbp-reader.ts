import { asRole, type Role } from '../names.js';
import { withMetadata } from './connection.js';
import type { Position } from './errors.js';
import { namesBehind, type Spelled } from './fbp-aliases.js';
import { type FbpDocument, parseFbpDocument } from './fbp-document.js';
import { type Note, subjectOf } from './fbp-notes.js';
import { edgeKey, iipKey } from './keys.js';
import type { Edge, ExportedPort, Graph, Group, Iip, Metadata, Node } from './model.js';
import { GraphPositions, type Located } from './positions.js';
import { respelled } from './respelled.js';
import { type GraphDocument, type GraphSource, nameFrom } from './source.js';

/**
 * Reads the notation of the `fbp` package; its port names come out in lower case unless the text says
 * `# @caseSensitive true`. A node declared a second time with another component stands twice in the graph, for
 * `validateGraph` to report; so does an edge that names an unknown node.
 * @throws {GraphSyntaxError}
 */
export function readFbp(text: string, source: GraphSource): GraphDocument {
  const { graph, positions } = readSpelled(parseFbpDocument(text, source.path), source);
  return { graph, positions };
}

/** The graph and, beside it, what the text says to those who know nothing of aliases. @throws {GraphSyntaxError} */
export function readSpelled(document: FbpDocument, source: GraphSource): GraphDocument & { readonly spelled: Spelled } {
  const places = new Map<Located, Position>();
  const inText = new GraphBuilder(document, places).build(nameFrom(source));
  const names = namesBehind(document, inText);
  const graph = respelled(inText, names, (from, to) => {
    const place = places.get(from);
    if (place) places.set(to, place);
  });
  const positions = new GraphPositions(source.path, (part) => places.get(part));
  return { graph, positions, spelled: { graph: inText, names } };
}

class GraphBuilder {
  readonly #document: FbpDocument;
  readonly #places: Map<Located, Position>;
  readonly #notes = new Map<string, Note[]>();

  constructor(document: FbpDocument, places: Map<Located, Position>) {
    this.#document = document;
    this.#places = places;
    for (const { note } of document.lines) {
      if (!note) continue;
      const subject = subjectOf(note);
      const before = note.kind === 'edge' ? (this.#notes.get(subject) ?? []) : [];
      this.#notes.set(subject, [...before, note]);
    }
  }

  build(fallbackName: string): Graph {
    const { name, ...properties } = this.#properties();
    return {
      name: typeof name === 'string' ? name : fallbackName,
      properties,
      caseSensitive: this.#document.caseSensitive,
      nodes: this.#nodes(),
      ...this.#connections(),
      inports: this.#exported('inport'),
      outports: this.#exported('outport'),
      groups: this.#groups(),
    };
  }

  #properties(): Metadata {
    const notes = [...this.#notes.values()].flat();
    return Object.fromEntries(notes.flatMap((note) => (note.kind === 'property' ? [[note.key, note.value]] : [])));
  }

  #nodes(): Node[] {
    const nodes = new Map<Role, { node: Node; offset: number }>();
    const again: { node: Node; offset: number }[] = [];
    for (const { start, declares } of this.#statements()) {
      for (const { role, component, metadata } of declares) {
        const known = nodes.get(role);
        if (known?.node.component && component && component !== known.node.component)
          again.push({ node: { role, component }, offset: start });
        else {
          const merged = {
            component: component || (known?.node.component ?? ''),
            metadata: metadata ?? known?.node.metadata,
          };
          const node = { role, component: merged.component, ...withMetadata(merged.metadata) };
          nodes.set(role, { node, offset: known?.offset ?? start });
        }
      }
    }
    return [...nodes.values(), ...again].map(({ node, offset }) => this.#place(this.#decorated(node), offset));
  }

  #decorated(node: Node): Node {
    const [note] = this.#notes.get(`node ${node.role}`) ?? [];
    return note?.kind === 'node' ? { ...node, ...withMetadata({ ...node.metadata, ...note.metadata }) } : node;
  }

  #connections(): { edges: Edge[]; iips: Iip[] } {
    const edges: Edge[] = [];
    const iips: Iip[] = [];
    for (const { start, parts } of this.#statements()) {
      for (const part of parts) {
        const subject = 'from' in part ? `edge ${edgeKey(part)}` : `iip ${iipKey(part)}`;
        const note = this.#notes.get(subject)?.shift();
        const whole = note?.kind === 'edge' ? { ...part, ...withMetadata(note.connection.metadata) } : part;
        this.#place(whole, start);
        if ('from' in whole) edges.push(whole);
        else iips.push(whole);
      }
    }
    return { edges, iips };
  }

  #exported(kind: 'inport' | 'outport'): ExportedPort[] {
    return [...this.#statements()].flatMap((statement) =>
      (kind === 'inport' ? statement.inports : statement.outports).map((port) => {
        const [note] = this.#notes.get(`${kind} ${port.name}`) ?? [];
        const metadata = note?.kind === kind ? note.metadata : undefined;
        return this.#place({ ...port, ...withMetadata(metadata) }, statement.start);
      }),
    );
  }

  #groups(): Group[] {
    return this.#document.lines.flatMap(({ note, start }) => {
      if (note?.kind !== 'group' || this.#notes.get(subjectOf(note))?.[0] !== note) return [];
      return [this.#place({ name: note.name, roles: note.nodes.map(asRole), ...withMetadata(note.metadata) }, start)];
    });
  }

  *#statements() {
    for (const line of this.#document.lines) yield* line.statements;
  }

  #place<T extends Located>(part: T, offset: number): T {
    this.#places.set(part, this.#document.index.position(offset));
    return part;
  }
}
