import { type ProgressStream, TerminalLine } from './terminal-line.js';

/** Says on a terminal how far long work has come; elsewhere nothing. */
export class LetterProgress {
  readonly #line: TerminalLine;
  readonly #words: string;
  #count = 0;

  /** @param words what is counted: `redriven` */
  constructor(words: string, stream: ProgressStream) {
    this.#words = words;
    this.#line = new TerminalLine(stream);
  }

  step(): void {
    this.#count += 1;
    this.#line.show(() => `${this.#words} ${this.#count}`);
  }

  /** Takes the line away, so that the sum can stand in its place. */
  end(): void {
    this.#line.end();
  }
}
