import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';

/** What can stand in the way of keeping the graph. */
export type ProblemKind = 'conflict' | 'outside' | 'save' | 'state';

type Listener = (message: string) => void;

/** Problems that last: each line is said when it comes up, not again while it stands, and once more when all is over. */
export class StandingProblems {
  readonly #log: Logger;
  readonly #standing = new Map<ProblemKind, readonly string[]>();
  readonly #listeners: Listener[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  /** These lines stand from now on, in place of those of this kind before. */
  set(kind: ProblemKind, lines: readonly string[]): void {
    const before = this.#standing.get(kind) ?? [];
    this.#standing.set(kind, lines);
    for (const line of lines) {
      if (before.includes(line)) continue;
      this.#log.warn(line);
      this.#tell(line);
    }
  }

  clear(kind: ProblemKind, over: string): void {
    if (!this.#standing.delete(kind)) return;
    this.#log.info(over);
    this.#tell(over);
  }

  /** What stands already is told at once. */
  subscribe(listener: Listener): void {
    this.#listeners.push(listener);
    for (const line of [...this.#standing.values()].flat()) listener(line);
  }

  #tell(line: string): void {
    for (const listener of this.#listeners) listener(line);
  }
}

/** What was thrown, a line each, the path in front. */
export function linesOf(error: unknown, path = ''): readonly string[] {
  return messageOf(error)
    .split('\n')
    .map((line) => (line.startsWith(path) ? line : `${path}: ${line}`));
}
