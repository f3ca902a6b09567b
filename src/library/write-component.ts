import { lstatSync, type Stats } from 'node:fs';
import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../errors.js';
import { type ReplaceOptions, replaceFile } from '../support/index.js';
import { checkCode, checkLanguage, checkName, checkNamespace, extensionFor } from './check-source.js';
import { SourceRefusedError } from './errors.js';
import type { ComponentInfo, Library } from './library.js';
import { isInside } from './scan.js';

/** A program text that somebody sent. Nothing of it is trusted. */
export interface NewSource {
  /** Of a component there is, with or without its namespace, or for a new one. */
  readonly name: string;
  /** The namespace: that of the project, or absent. */
  readonly library?: string;
  /** As editors call it: `javascript`, `js`, `py`. */
  readonly language: string;
  readonly code: string;
}

export interface WrittenComponent {
  readonly path: string;
  /** As graphs write it, with the namespace of the project. */
  readonly name: string;
}

/**
 * Writes a component's source into the component directory, atomically. One there is keeps its file and the file's mode;
 * a new one becomes `<componentDir>/<name><extension of its language>`. The library knows of it when it is loaded again:
 * until then another source of a new name is refused, so wait for that before the next one.
 *
 * @throws {SourceRefusedError} saying what is wrong; nothing is written then
 */
export async function writeComponent(library: Library, source: NewSource): Promise<WrittenComponent> {
  checkCode(source.code);
  checkNamespace(library.namespace, source.library);
  const known = library.find(source.name);
  return known ? writeKnown(library, known, source) : writeNew(library, source);
}

async function writeNew(library: Library, source: NewSource): Promise<WrittenComponent> {
  checkName(source.name);
  const file = source.name + extensionFor(source, library.extensions);
  const path = join(await componentFolder(library), file);
  const name = library.namespace ? `${library.namespace}/${source.name}` : source.name;
  const isFree = (): boolean => lstatSync(path, { throwIfNoEntry: false }) === undefined;
  if (!isFree() || !(await write(name, path, source.code, { isDue: isFree })))
    throw new SourceRefusedError(
      'exists',
      `there is a file ${file} already, which has not been read as a component yet`,
    );
  return { path: join(library.componentDir, file), name };
}

async function writeKnown(library: Library, known: ComponentInfo, source: NewSource): Promise<WrittenComponent> {
  const { name, path, template } = known;
  if (path === undefined)
    throw new SourceRefusedError('command', `component '${name}' is the command '${template}'; it has no source here`);
  checkLanguage(name, path, source.language);
  const folder = await componentFolder(library);
  const { target, like } = await placeOf(path);
  // Where the file really is: a link inside the directory may lead out of it.
  if (!isInside(folder, target))
    throw new SourceRefusedError(
      'place',
      `component '${name}' is ${target}, outside the component directory ${folder}`,
    );
  if (like && !like.isFile())
    throw new SourceRefusedError('place', `component '${name}' is ${target}, which is no file`);
  await write(name, target, source.code, like ? { like } : {});
  return { path, name };
}

/** Where a file is without links, and what it is. One that was deleted is where it was. */
async function placeOf(path: string): Promise<{ readonly target: string; readonly like?: Stats }> {
  try {
    const target = await realpath(path);
    return { target, like: await stat(target) };
  } catch {
    const folder = await realpath(dirname(path)).catch(() => dirname(path));
    return { target: join(folder, basename(path)) };
  }
}

/** The component directory as it is called without links, made if there is none yet. */
async function componentFolder({ componentDir }: Library): Promise<string> {
  try {
    await mkdir(componentDir, { recursive: true });
    return await realpath(componentDir);
  } catch (error) {
    throw new SourceRefusedError('disk', `the component directory ${componentDir}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function write(name: string, path: string, code: string, options: ReplaceOptions): Promise<boolean> {
  try {
    return await replaceFile(path, code, options);
  } catch (error) {
    throw new SourceRefusedError('disk', `the source of '${name}' cannot be written: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
