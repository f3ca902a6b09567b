import type { Position } from './errors.js';
import type { Edge, ExportedPort, Group, Iip, Node } from './model.js';

/** What a reader remembers the place of. */
export type Located = Node | Edge | Iip | ExportedPort | Group;

/**
 * Where the parts of a graph stand in the text they were read from. Kept outside the graph, by identity: edits share what
 * they do not change, so the places of untouched parts stay known, and a graph stays comparable.
 */
export class GraphPositions {
  readonly path: string;
  readonly #find: (part: Located) => Position | undefined;

  /** `find` may do its work at the first question: most graphs have no problem to report. */
  constructor(path: string, find: (part: Located) => Position | undefined) {
    this.path = path;
    this.#find = find;
  }

  /** `undefined` for a part that did not come from the text. */
  at(part: Located): Position | undefined {
    return this.#find(part);
  }

  /** `path:line:column`, or the path alone. */
  where(part: Located): string {
    const position = this.at(part);
    return position ? `${this.path}:${position.line}:${position.column}` : this.path;
  }
}

/** Finds lines and columns by offset. Line ends: LF, CR, CR LF, U+2028, U+2029. */
export class LineIndex {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (const match of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) this.#starts.push(match.index + match[0].length);
  }

  /** O(log lines). */
  position(offset: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }
}
