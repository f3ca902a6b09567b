import { isRecord } from '../../support/index.js';
import type { SyncPolicy } from '../store/store.js';
import { AddressError, type TlsFiles } from '../wire/index.js';

/** What a node's process is told when it is started; JSON. */
export interface NodeSettings {
  readonly address: string;
  /** Folder of the log; absent: nothing is written. */
  readonly location?: string | undefined;
  readonly sync?: SyncPolicy | undefined;
  readonly tls?: TlsFiles | undefined;
  readonly gc?: { readonly minPruneTimeMs: number; readonly intervalMs: number } | undefined;
  readonly workers: number;
  readonly workerConcurrency: number;
  readonly workerRestartAfter: number;
}

/** What it tells its spawner, once. */
export type NodeReport = { readonly address: string } | { readonly failed: string; readonly code: string };

/** @throws {AddressError} for what no spawner of ours writes */
export function readSettings(json: string): NodeSettings {
  const value: unknown = JSON.parse(json);
  if (!isRecord(value) || typeof value['address'] !== 'string') throw new AddressError('settings without an address');
  return value as unknown as NodeSettings;
}
