import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.js';
import type { AccessRules } from '../protocol/index.js';
import { type Logger, writeFileAtomic } from '../support/index.js';
import type { TlsFiles } from './tls-options.js';

/** What the keeper hands to each coordinator that it starts; plain JSON. */
export interface RuntimeSettings {
  readonly stateDir: string;
  readonly broker: string;
  /** Its door for programs that do not know the scheme of `broker`. */
  readonly mqtt?: string;
  /** Where the broker's management interface is, or `auto`; absent: it is not asked. */
  readonly management?: string;
  /** Of this life of the keeper. */
  readonly run: string;
  readonly host: string;
  readonly port: number;
  /** Holds secrets. */
  readonly access: AccessRules;
  readonly tls?: TlsFiles;
  readonly ide?: string;
  /** Further origins whose pages may connect. */
  readonly allowOrigins: readonly string[];
  readonly graph?: string;
  /** Edits are written back to the graph file. */
  readonly autoSave: boolean;
  readonly library?: string;
  readonly componentDir?: string;
  readonly ignore: readonly string[];
  /** So many processes for all components that can share one. */
  readonly together?: number;
  readonly waitTimeoutMs: number;
  readonly lapseMs: number;
  readonly runtimeId: string;
  readonly pingUrl?: string;
  readonly pingMethod: string;
  readonly pingIntervalMs: number;
}

const VARIABLE = 'MSGFLO_COORDINATOR';

/** As environment, since command lines are shown to everybody on the machine; secrets and a broker's password are in it. */
export function settingsAsEnv(settings: RuntimeSettings): Readonly<Record<string, string>> {
  return { [VARIABLE]: JSON.stringify(settings) };
}

/** Takes the settings out of the environment; undefined when there are none: only the keeper starts a coordinator. */
export function takeSettings(env: NodeJS.ProcessEnv): RuntimeSettings | undefined {
  const text = env[VARIABLE];
  if (text === undefined) return undefined;
  delete env[VARIABLE];
  return JSON.parse(text) as RuntimeSettings;
}

/**
 * The id of the runtime in this folder: made at the first start, the same ever after, so that editors know it again.
 * Where it cannot be kept, on a full disk or a read-only one, it holds for this life only, and that is said.
 */
export async function runtimeIdOf(stateDir: string, log: Logger): Promise<string> {
  const path = join(stateDir, 'runtime-id');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (known.trim() !== '') return known.trim();
  const id = randomUUID();
  await writeFileAtomic(path, `${id}\n`).catch((error: unknown) => {
    log.warn(`${path} cannot be written (${messageOf(error)}): editors will not know this runtime again`);
  });
  return id;
}
