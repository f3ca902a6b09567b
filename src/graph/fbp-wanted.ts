import { type Note, sameNote, subjectOf } from './fbp-notes.js';
import { edgeKey, iipKey, portKey } from './keys.js';
import type { Edge, ExportedPort, Graph, Iip } from './model.js';

const partKey = (part: Edge | Iip): string => ('from' in part ? edgeKey(part) : iipKey(part));

/** What a patched text has to say and no line says yet. Each thing can be taken once. */
export class Wanted {
  readonly #parts = new Map<string, (Edge | Iip)[]>();
  readonly #bySource = new Map<string, Set<Edge>>();
  readonly #iipsAt = new Map<string, Set<Iip>>();
  readonly #inports: Map<string, ExportedPort>;
  readonly #outports: Map<string, ExportedPort>;
  readonly #notes = new Map<string, Note[]>();
  readonly #graphNotes: ReadonlySet<Note>;

  constructor(graph: Graph, graphNotes: readonly Note[], partNotes: readonly Note[]) {
    for (const part of [...graph.edges, ...graph.iips]) this.#add(part);
    this.#inports = new Map(graph.inports.map((port) => [port.name, port]));
    this.#outports = new Map(graph.outports.map((port) => [port.name, port]));
    this.#graphNotes = new Set(graphNotes);
    for (const note of [...graphNotes, ...partNotes]) listIn(this.#notes, subjectOf(note)).push(note);
  }

  /** One with the same ends and data. */
  takePart(part: Edge | Iip): Edge | Iip | undefined {
    const key = partKey(part);
    const found = this.#parts.get(key)?.shift();
    if (found) this.#forget(found);
    return found;
  }

  /** One that may stand in the place of `part`: the edge led elsewhere, or a port's only IIP. */
  takeSimilar(part: Edge | Iip): Edge | Iip | undefined {
    const candidates = 'from' in part ? this.#bySource.get(portKey(part.from)) : this.#iipsAt.get(portKey(part.to));
    const [first, second] = candidates ?? [];
    if (!first || (second && !('from' in part))) return undefined;
    return this.takePart(first);
  }

  takeExport(kind: 'inports' | 'outports', { name }: ExportedPort): ExportedPort | undefined {
    const ports = kind === 'inports' ? this.#inports : this.#outports;
    const found = ports.get(name);
    ports.delete(name);
    return found;
  }

  /** The wanted note of the same subject, an equal one if there is. */
  takeNote(note: Note): Note | undefined {
    const notes = this.#notes.get(subjectOf(note)) ?? [];
    const equalAt = notes.findIndex((wanted) => sameNote(wanted, note));
    return notes.splice(Math.max(equalAt, 0), 1)[0];
  }

  /** What nobody took, in the order of the graph. */
  rest() {
    const notes = [...this.#notes.values()].flat();
    return {
      parts: [...this.#parts.values()].flat(),
      inports: [...this.#inports.values()],
      outports: [...this.#outports.values()],
      graphNotes: notes.filter((note) => this.#graphNotes.has(note)),
      partNotes: notes.filter((note) => !this.#graphNotes.has(note)),
    };
  }

  #add(part: Edge | Iip): void {
    listIn(this.#parts, partKey(part)).push(part);
    if ('from' in part) setIn(this.#bySource, portKey(part.from)).add(part);
    else setIn(this.#iipsAt, portKey(part.to)).add(part);
  }

  #forget(part: Edge | Iip): void {
    if ('from' in part) this.#bySource.get(portKey(part.from))?.delete(part);
    else this.#iipsAt.get(portKey(part.to))?.delete(part);
  }
}

function listIn<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

function setIn<T>(sets: Map<string, Set<T>>, key: string): Set<T> {
  const set = sets.get(key) ?? new Set<T>();
  sets.set(key, set);
  return set;
}
