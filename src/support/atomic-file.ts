import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface ReplaceOptions {
  /** Permissions and owner for the new file, whatever the umask. @default 0644 less the umask, our own */
  readonly like?: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** Permissions for a file of our own, less the umask. @default 0644 */
  readonly mode?: number;
  /** The last word, asked when all is on disk and nothing but the rename is left; false leaves the old file. */
  readonly isDue?: () => boolean;
}

/**
 * Replaces a file so that a crash leaves the old content or the new, never half: write beside, fsync, rename. A folder that
 * is missing is made.
 * @returns false when it was not due any more
 */
export async function replaceFile(
  path: string,
  content: string | Buffer,
  options: ReplaceOptions = {},
): Promise<boolean> {
  const { like, mode = 0o644, isDue = () => true } = options;
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const beside = join(folder, `.${basename(path)}.${randomUUID()}`);
  try {
    const file = await open(beside, 'wx', mode);
    try {
      await file.writeFile(content);
      if (like) {
        await file.chown(like.uid, like.gid).catch(() => undefined); // only root may give files away
        await file.chmod(like.mode & 0o7777);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (isDue()) {
      renameSync(beside, path); // at once after the last word: no other work of this process comes between
      return true;
    }
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await rm(beside, { force: true });
  return false;
}

/** Replaces a file of our own as `replaceFile` does. */
export async function writeFileAtomic(path: string, content: string | Buffer, mode = 0o644): Promise<void> {
  await replaceFile(path, content, { mode });
}

/** Removes what writers of `path` left beside it when they were killed over a minute ago. Never fails. */
export async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const start = `.${basename(path)}.`;
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(start) && UUID.test(one.slice(start.length)))) {
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > 60_000) await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
