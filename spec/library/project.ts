import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const made: string[] = [];

/** A project in a fresh folder: contents by path; what is no text is written as JSON. */
export async function project(files: Readonly<Record<string, unknown>>): Promise<string> {
  const baseDir = await mkdtemp(join(tmpdir(), 'msgflo-library-'));
  made.push(baseDir);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(baseDir, path)), { recursive: true });
    await writeFile(join(baseDir, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return baseDir;
}

export async function removeProjects(): Promise<void> {
  for (const baseDir of made.splice(0)) await rm(baseDir, { recursive: true, force: true });
}

/** What `promise` was rejected with, as an Error. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { readonly code?: unknown }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('was expected to be rejected with an Error');
}
