import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { OutputLine } from './model.js';

const MAX_LINE = 8192;

/** The lines of a text stream, without their ends. Reads on only as fast as they are taken; holds one line of bounded length. */
export async function* linesOf(stream: Readable, maxLength = MAX_LINE): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield* pieces(part.replace(/\r$/, ''), maxLength);
    while (rest.length > maxLength) {
      yield rest.slice(0, maxLength);
      rest = rest.slice(maxLength);
    }
  }
  rest += decoder.end();
  if (rest !== '') yield* pieces(rest, maxLength);
}

/**
 * Writes lines as `role | line`. Resolves when the target takes more, so that a slow reader slows those who talk instead of
 * filling memory. What cannot be written because the target is closed is dropped.
 */
export function prefixedOutput(target: Writable): (output: OutputLine) => Promise<void> {
  return async ({ role, line }) => {
    if (target.destroyed || target.writableEnded) return;
    if (target.write(`${role} | ${line}\n`)) return;
    const given = new AbortController();
    const { signal } = given;
    const wakeups = ['drain', 'close', 'error'].map((event) => once(target, event, { signal }));
    await Promise.race(wakeups).catch(() => undefined);
    given.abort();
    await Promise.allSettled(wakeups);
  };
}

/** The last 20 lines of somebody's stderr, and which of them say most about what went wrong. */
export class Tail {
  readonly #lines: string[] = [];

  push(line: string): void {
    if (line.trim() === '') return;
    this.#lines.push(line.slice(0, 500));
    if (this.#lines.length > 20) this.#lines.shift();
  }

  /**
   * At most five lines, beginning with the last that starts like an error, as a stack trace ends with anything but its
   * reason; otherwise the last five.
   */
  get telling(): readonly string[] {
    const at = this.#lines.findLastIndex((line) => /^\S*(Error|Exception)\b/.test(line));
    return at < 0 ? this.#lines.slice(-5) : this.#lines.slice(at, at + 5);
  }

  /** The one line that says most about what went wrong. */
  get reason(): string | undefined {
    const lines = this.telling;
    return /^\S*(Error|Exception)\b/.test(lines[0] ?? '') ? lines[0] : lines.at(-1);
  }
}

function* pieces(line: string, maxLength: number): Generator<string> {
  for (let at = 0; at === 0 || at < line.length; at += maxLength) yield line.slice(at, at + maxLength);
}
