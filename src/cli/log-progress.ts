import { sizeOf } from './log-text.js';
import { type ProgressStream, TerminalLine } from './terminal-line.js';

/** Says on a terminal how many bytes of a log were read; elsewhere nothing. */
export class ByteProgress {
  readonly #line: TerminalLine;
  readonly #total: number;
  #bytes = 0;

  constructor(total: number, stream: ProgressStream) {
    this.#total = total;
    this.#line = new TerminalLine(stream);
  }

  readonly add = (bytes: number): void => {
    this.#bytes += bytes;
    this.#line.show(() => {
      const percent = Math.min(100, Math.floor((100 * this.#bytes) / Math.max(1, this.#total)));
      return `read ${sizeOf(this.#bytes)} of ${sizeOf(this.#total)} (${percent}%)`;
    });
  };

  /** Takes the line away. */
  end(): void {
    this.#line.end();
  }
}
