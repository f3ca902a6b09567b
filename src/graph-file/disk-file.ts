import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { access, constants, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../errors.js';
import { NotTextError, readTextFile, removeLeftovers, replaceFile } from '../support/index.js';
import { GraphFileError } from './errors.js';
import { MAX_GRAPH_BYTES } from './notation.js';

/** What a path holds at one moment; contents are the same when their keys are. */
export type Content =
  | {
      readonly kind: 'text';
      readonly key: string;
      readonly text: string;
      readonly bytes: Buffer;
      /** The file itself, where the path is a link. */
      readonly target: string;
    }
  | { readonly kind: 'missing'; readonly key: string; readonly target: string }
  | { readonly kind: 'unreadable'; readonly key: string; readonly why: string; readonly target: string };

const TICK_MS = 100;

/** A file that others write too. */
export class DiskFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Never fails: what cannot be read is a content of its own. */
  async read(): Promise<Content> {
    const target = await targetOf(this.path);
    try {
      const { text, bytes } = await readTextFile(target, MAX_GRAPH_BYTES);
      return { kind: 'text', key: keyOf(bytes), text, bytes, target };
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return { kind: 'missing', key: 'missing', target };
      const why = error instanceof NotTextError ? error.message : `it cannot be read: ${messageOf(error)}`;
      return { kind: 'unreadable', key: `unreadable: ${why}`, why, target };
    }
  }

  /**
   * Changes with every change of the file, and costs no more than a look at its entry. Undefined when that changed a moment
   * ago: its clock may tick too slowly to show the next change.
   */
  async signature(): Promise<string | undefined> {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(this.path, { bigint: true });
      return Date.now() - Number(ctimeMs) < TICK_MS ? undefined : [dev, ino, size, mtimeNs, ctimeNs].join();
    } catch {
      return '';
    }
  }

  /**
   * Writes `text` in place of `over`, atomically, mode and owner as they were.
   *
   * The file is compared with `over` when all but the rename is done, and renamed in the same breath: what another program
   * writes between these two calls into the kernel, some microseconds, is lost. POSIX has nothing that compares and
   * renames in one, and editors know no lock that we could take.
   *
   * @returns the new content; undefined, and nothing is written, when the file is not `over` any more
   * @throws {GraphFileError} where it is read-only, the disk is full and the like
   */
  async write(text: string, over: Content): Promise<Content | undefined> {
    const { path } = this;
    const bytes = Buffer.from(text);
    try {
      const like = over.kind === 'text' ? await this.#writable(over.target) : undefined;
      const isDue = (): boolean => isStill(path, over);
      if (!(await replaceFile(over.target, bytes, { ...(like && { like }), isDue }))) return undefined;
      return { kind: 'text', key: keyOf(bytes), text, bytes, target: over.target };
    } catch (error) {
      if (error instanceof GraphFileError) throw error;
      throw new GraphFileError(path, `it cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Removes what an earlier run left beside the file when it was killed while writing. */
  async tidy(): Promise<void> {
    await removeLeftovers(await targetOf(this.path));
  }

  /** A rename asks nobody whether the file may be written, and root may write all: so the mode is looked at as well. */
  async #writable(target: string): Promise<Stats | undefined> {
    try {
      const stats = await stat(target);
      if ((stats.mode & 0o222) === 0) throw new GraphFileError(this.path, READ_ONLY);
      await access(target, constants.W_OK);
      return stats;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined; // gone: then it is not what we know any more
      if (hasCode(error, 'EACCES') || hasCode(error, 'EROFS'))
        throw new GraphFileError(this.path, READ_ONLY, { cause: error });
      throw error;
    }
  }
}

const READ_ONLY = 'it cannot be written: it is read-only';

const keyOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Follows links also to where nothing is (any more). */
async function targetOf(path: string, depth = 0): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const next = await readlink(path).catch(() => undefined);
    return next === undefined || depth > 20 ? path : targetOf(resolve(dirname(path), next), depth + 1);
  }
}

function isStill(path: string, over: Content): boolean {
  try {
    if (over.kind === 'missing') return lstatSync(over.target, { throwIfNoEntry: false }) === undefined;
    if (over.kind === 'unreadable' || realpathSync(path) !== over.target) return false;
    const now = statSync(over.target);
    return now.isFile() && now.size === over.bytes.length && readFileSync(over.target).equals(over.bytes);
  } catch {
    return false;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
