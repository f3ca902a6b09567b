import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';

/** A file that people wrote, as it was at one moment. */
export interface TextFile {
  readonly text: string;
  readonly bytes: Buffer;
  readonly stats: Stats;
}

/** The file is there, and is no text that can be read here: `message` says why, after the path. */
export class NotTextError extends Error {}

/**
 * Reads a file of UTF-8 text, a byte order mark included.
 * @throws {NotTextError} for a folder, a pipe or another special file, more than `maxBytes`, a NUL or what is not UTF-8
 * @throws what `open` throws: `ENOENT`, `EACCES`
 */
export async function readTextFile(path: string, maxBytes: number): Promise<TextFile> {
  // Without O_NONBLOCK a pipe would be waited for until somebody writes.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw new NotTextError('it is a folder');
    if (!stats.isFile()) throw new NotTextError('it is no ordinary file');
    if (stats.size > maxBytes) throw new NotTextError(`it has ${stats.size} bytes; at most ${maxBytes} are read`);
    const bytes = await file.readFile();
    return { text: textOf(bytes), bytes, stats };
  } finally {
    await file.close();
  }
}

function textOf(bytes: Buffer): string {
  if (bytes.includes(0)) throw new NotTextError('it is binary: it contains a NUL');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotTextError('it is not UTF-8 text');
  }
}
