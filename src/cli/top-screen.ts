import type { EventEmitter } from 'node:events';

/** What is shown on; `process.stdout` is one. */
export interface ScreenOutput extends Pick<EventEmitter, 'on' | 'off'> {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Where keys come from; `process.stdin` is one. */
export interface ScreenInput extends Pick<EventEmitter, 'on' | 'off'> {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
}

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const TO_END_OF_LINE = '\x1b[K';
const TO_END = '\x1b[J';
const CTRL_C = '\x03';

/** The size of a terminal that does not tell it. */
const COLUMNS = 80;
const ROWS = 24;

/** A terminal of which the whole is drawn again each time, on a screen of its own: what was there before comes back. */
export class Screen {
  readonly #output: ScreenOutput;
  readonly #input: ScreenInput;
  readonly #onKey: (key: Buffer | string) => void;
  readonly #onResize: () => void;
  #isOpen = false;

  /** @param ends called when somebody presses q or Ctrl-C  @param resized called when the size is another */
  constructor(
    { output, input }: { readonly output: ScreenOutput; readonly input: ScreenInput },
    { ends, resized }: { readonly ends: () => void; readonly resized: () => void },
  ) {
    this.#output = output;
    this.#input = input;
    this.#onResize = resized;
    this.#onKey = (key) => {
      if ([...String(key)].some((one) => one === 'q' || one === 'Q' || one === CTRL_C)) ends();
    };
  }

  get width(): number {
    return this.#output.columns || COLUMNS;
  }

  open(): void {
    this.#isOpen = true;
    this.#output.write(ENTER);
    this.#output.on('resize', this.#onResize);
    if (!this.#input.isTTY) return;
    this.#input.setRawMode?.(true);
    this.#input.on('data', this.#onKey);
    this.#input.resume();
  }

  /** Lines beyond the height are left out, and said so. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const height = this.#output.rows || ROWS;
    const tooMany = lines.length - height;
    const shown = tooMany > 0 ? [...lines.slice(0, height - 1), `and ${tooMany + 1} more lines`] : lines;
    this.#output.write(`${HOME}${shown.map((line) => line + TO_END_OF_LINE).join('\r\n')}${TO_END}`);
  }

  /** The terminal is as it was. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#output.off('resize', this.#onResize);
    if (this.#input.isTTY) {
      this.#input.off('data', this.#onKey);
      this.#input.setRawMode?.(false);
      this.#input.pause();
    }
    this.#output.write(LEAVE);
  }
}
