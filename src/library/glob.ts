import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The files below `baseDir` whose path relative to it matches `pattern`, sorted. `*` and `?` stay within one name, `**` is
 * any number of folders; hidden names and `node_modules` are matched only by themselves. Walks no folder the pattern
 * cannot reach, and follows no link to a folder.
 */
export async function filesMatching(baseDir: string, pattern: string): Promise<readonly string[]> {
  const steps = pattern.split('/').filter((step) => step !== '' && step !== '.');
  const found = new Set<string>();
  await walk(baseDir, '', steps, found);
  return [...found].sort();
}

/** A handler's key is a path pattern unless it is an extension. */
export function isPathPattern(handler: string): boolean {
  return !/^\.[^/*?]+$/.test(handler);
}

async function walk(baseDir: string, folder: string, steps: readonly string[], found: Set<string>): Promise<void> {
  const [step, ...rest] = steps;
  if (step === undefined) return;
  if (step === '**') await walk(baseDir, folder, rest, found);
  for (const entry of await entriesOf(join(baseDir, folder))) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (!matches(step, entry.name)) continue;
    if (entry.isDirectory()) await walk(baseDir, path, step === '**' ? steps : rest, found);
    else if (rest.length === 0 && step !== '**') found.add(path);
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return []; // a pattern whose folder is missing or unreadable matches nothing
  }
}

function matches(step: string, name: string): boolean {
  if (step === name) return true;
  if (name.startsWith('.') || name === 'node_modules') return false;
  const source = step
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(name);
}
