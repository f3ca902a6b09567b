/** Where progress is shown: a terminal, or nothing. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const EVERY_MS = 250;

/** One line on a terminal that says how far long work has come; elsewhere nothing. */
export class LetterProgress {
  readonly #stream: ProgressStream;
  readonly #words: string;
  #count = 0;
  #shownAtMs = 0;
  #width = 0;

  /** @param words what is counted: `redriven` */
  constructor(words: string, stream: ProgressStream) {
    this.#words = words;
    this.#stream = stream;
  }

  step(): void {
    this.#count += 1;
    const nowMs = performance.now();
    if (!this.#stream.isTTY || nowMs < this.#shownAtMs + EVERY_MS) return;
    this.#shownAtMs = nowMs;
    this.#show(`${this.#words} ${this.#count}`);
  }

  /** Takes the line away, so that the sum can stand in its place. */
  end(): void {
    if (this.#width > 0) this.#show('');
  }

  #show(text: string): void {
    this.#stream.write(`\r${text.padEnd(this.#width)}${text === '' ? '\r' : ''}`);
    this.#width = text.length;
  }
}
