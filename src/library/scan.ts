import { readdir } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { messageOf, UsageError } from '../errors.js';
import type { Logger } from '../support/index.js';
import { filesMatching, isPathPattern } from './glob.js';

/** A file that a handler turns into a component. */
export interface ComponentFile {
  /** The basename without its extension. */
  readonly name: string;
  readonly path: string;
  readonly template: string;
}

export interface ScanOptions {
  readonly baseDir: string;
  readonly componentDir: string;
  /** Whether somebody asked for this folder, so that it must exist. */
  readonly mustExist: boolean;
  readonly handlers: Readonly<Record<string, string>>;
  readonly log: Logger;
}

/**
 * Every component file, the first of each name: path patterns go before extensions, and earlier handlers before later
 * ones. A second file of the same name is left out with a warning.
 *
 * @throws {UsageError} when a component directory that was asked for is none
 */
export async function scan(options: ScanOptions): Promise<readonly ComponentFile[]> {
  const found = new Map<string, ComponentFile>();
  const taken = new Set<string>();
  const add = (path: string, template: string): void => {
    if (taken.has(path) || path.endsWith('.d.ts')) return;
    taken.add(path);
    const name = basename(path, extname(path));
    const earlier = found.get(name);
    if (earlier) options.log.warn(`component '${name}' is ${earlier.path}; ${path} of the same name is left out`);
    else found.set(name, { name, path, template });
  };
  const handlers = Object.entries(options.handlers);
  for (const [pattern, template] of handlers.filter(([key]) => isPathPattern(key))) {
    for (const path of await filesMatching(options.baseDir, pattern)) add(resolve(options.baseDir, path), template);
  }
  const files = await filesIn(options.componentDir, options.mustExist);
  for (const [extension, template] of handlers.filter(([key]) => !isPathPattern(key))) {
    for (const file of files.filter((name) => extname(name) === extension))
      add(join(options.componentDir, file), template);
  }
  return [...found.values()];
}

/** The path as commands see it: relative to the project where the file lies in it, and never like an option. */
export function pathForCommand(baseDir: string, path: string): string {
  if (!isInside(baseDir, path)) return path;
  const inside = relative(baseDir, path);
  return inside.startsWith('-') ? `./${inside}` : inside;
}

/** Both paths taken as they are written; links are the caller's affair. */
export function isInside(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return !isAbsolute(inside) && inside.split(sep)[0] !== '..';
}

async function filesIn(folder: string, mustExist: boolean): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' && !mustExist) return [];
    const reason = code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is not a directory' : messageOf(error);
    throw new UsageError(`the component directory ${folder} ${reason}`, { cause: error });
  }
}
