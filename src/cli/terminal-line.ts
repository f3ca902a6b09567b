/** Where progress is shown: a terminal, or nothing. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const EVERY_MS = 250;

/** One line on a terminal that is written over again and again; elsewhere nothing. */
export class TerminalLine {
  readonly #stream: ProgressStream;
  #shownAtMs = 0;
  #width = 0;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  /** Shows what `text` gives, four times a second at most. */
  show(text: () => string): void {
    if (!this.#stream.isTTY) return;
    const nowMs = performance.now();
    if (nowMs < this.#shownAtMs + EVERY_MS) return;
    this.#shownAtMs = nowMs;
    this.#write(text());
  }

  /** Takes the line away, so that something else can stand in its place. */
  end(): void {
    if (this.#width > 0) this.#write('');
  }

  #write(text: string): void {
    this.#stream.write(`\r${text.padEnd(this.#width)}${text === '' ? '\r' : ''}`);
    this.#width = text.length;
  }
}
