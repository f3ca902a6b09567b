import { execFile } from 'node:child_process';
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { MsgfloError, messageOf } from '../errors.js';
import { type Component, isComponent } from './component.js';
import type { LegacyClient } from './legacy-client.js';

/** A module of a participant cannot be used. The message names the file. */
export class ModuleError extends MsgfloError {
  readonly code = 'MSGFLO_MODULE';
}

type Callback = (error?: Error | null) => void;

/** What modules of the older shape return, as far as a runner needs it. */
export interface LegacyParticipant {
  start(callback: Callback): void;
  stop?(callback: Callback): void;
  /** Hands over data as if it had come on an inport. */
  send?(inport: string, data: unknown, callback?: Callback): void;
}

export type LoadedModule =
  | { readonly kind: 'component'; readonly component: Component }
  | { readonly kind: 'legacy'; create(client: LegacyClient, role: string): LegacyParticipant };

/**
 * Loads a module, ES or CommonJS: its default export is what `participant()` gave, or a function `(client, role)`.
 * @param asItIsNow an ES module that has changed since it was loaded here is loaded anew, though not what it imports
 * @throws {ModuleError} when there is no such file, it cannot be loaded, or exports neither
 */
export async function loadComponent(file: string, asItIsNow = false): Promise<LoadedModule> {
  const path = resolve(file);
  await access(path).catch(() => {
    throw new ModuleError(`there is no file ${file}`);
  });
  // Node knows modules by their address.
  const version = asItIsNow ? `?changed=${(await stat(path)).mtimeMs}` : '';
  const exported = defaultOf(await importModule(path, file, version));
  if (isComponent(exported)) return { kind: 'component', component: exported };
  if (typeof exported === 'function') {
    return { kind: 'legacy', create: (client, role) => legacyParticipant(exported(client, role), file) };
  }
  throw new ModuleError(
    `${file} exports no participant: its default export is to be participant({...}) or a function (client, role)`,
  );
}

async function importModule(path: string, file: string, version: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(path).href + version);
  } catch (error) {
    const place = error instanceof SyntaxError ? await placeOf(path) : '';
    const reason = messageOf(error).replace(/\s*\n\s*/g, ' ');
    throw new ModuleError(`${file} cannot be loaded: ${place}${reason}`, { cause: error });
  }
}

/** Node tells the place of a syntax error only where it ends the process: so it is asked once more, in another. */
async function placeOf(path: string): Promise<string> {
  const checked = promisify(execFile)(process.execPath, ['--check', path], { env: {} });
  const failed: unknown = await checked.catch((error: unknown) => error);
  const place = /^.*:(\d+)\n/.exec(String(fieldOf(failed, 'stderr') ?? ''));
  return place ? `line ${place[1]}: ` : '';
}

/** TypeScript compiled to CommonJS has its default export one level further down. */
function defaultOf(module: unknown): unknown {
  const inner = fieldOf(module, 'default');
  return fieldOf(inner, 'default') ?? inner;
}

function fieldOf(value: unknown, key: string): unknown {
  return value !== null && typeof value === 'object' && key in value
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function legacyParticipant(value: unknown, file: string): LegacyParticipant {
  if (typeof fieldOf(value, 'start') === 'function') return value as LegacyParticipant;
  throw new ModuleError(`${file} exports a function, but what it returns has no start(callback)`);
}
