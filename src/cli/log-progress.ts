import type { ProgressStream } from './dead-progress.js';
import { sizeOf } from './log-text.js';

const EVERY_MS = 250;

/** One line on a terminal that says how many bytes of a log were read; elsewhere nothing. */
export class ByteProgress {
  readonly #stream: ProgressStream;
  readonly #total: number;
  #bytes = 0;
  #shownAtMs = 0;
  #width = 0;

  constructor(total: number, stream: ProgressStream) {
    this.#total = total;
    this.#stream = stream;
  }

  readonly add = (bytes: number): void => {
    this.#bytes += bytes;
    if (!this.#stream.isTTY) return;
    const nowMs = performance.now();
    if (nowMs < this.#shownAtMs + EVERY_MS) return;
    this.#shownAtMs = nowMs;
    const percent = Math.min(100, Math.floor((100 * this.#bytes) / Math.max(1, this.#total)));
    this.#show(`read ${sizeOf(this.#bytes)} of ${sizeOf(this.#total)} (${percent}%)`);
  };

  /** Takes the line away. */
  end(): void {
    if (this.#width > 0) this.#show('');
  }

  #show(text: string): void {
    this.#stream.write(`\r${text.padEnd(this.#width)}${text === '' ? '\r' : ''}`);
    this.#width = text.length;
  }
}
