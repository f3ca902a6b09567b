import { isRecord } from '../../support/index.js';
import type { SyncPolicy } from '../store/store.js';
import { AddressError, type TlsFiles } from '../wire/index.js';

/** One more door of a node, for clients on other machines. */
export interface DoorSettings {
  /** `tcp://host:port` */
  readonly address: string;
  readonly token?: string | undefined;
  readonly tls?: TlsFiles | undefined;
}

/** What a node's process is told when it is started; JSON. */
export interface NodeSettings {
  /** Folder of `broker.json`, by which clients find the node. @default none: they have to know its address */
  readonly dir?: string | undefined;
  /** Its door on this machine. @default a socket in `dir`, or a port of the loopback interface with a token */
  readonly address?: string | undefined;
  /** Folder of the log. @default nothing is written */
  readonly location?: string | undefined;
  /** False: what nobody needs any more is forgotten soon. @default true */
  readonly history?: boolean | undefined;
  /** @default 'always' */
  readonly sync?: SyncPolicy | undefined;
  readonly tls?: TlsFiles | undefined;
  /** What has been acknowledged by all is kept for so long, and looked at so often, in ms. @default for ever */
  readonly gc?:
    | { readonly minPruneTimeMs: number; readonly intervalMs: number; readonly maxBytes?: number }
    | undefined;
  /** @default 1 */
  readonly workers?: number | undefined;
  /** @default 1 */
  readonly workerConcurrency?: number | undefined;
  /** @default 0: never */
  readonly workerRestartAfter?: number | undefined;
  /** @default none */
  readonly listen?: readonly DoorSettings[] | undefined;
  /** Where MQTT clients may come; port 0: that of the last time, or any. @default no such door */
  readonly mqtt?: { readonly host: string; readonly port: number } | undefined;
}

/** What it tells its spawner, once. */
export type NodeReport = { readonly address: string } | { readonly failed: string; readonly code: string };

/** @throws {AddressError} for what no spawner of ours writes */
export function readSettings(json: string): NodeSettings {
  const value: unknown = JSON.parse(json);
  if (!isRecord(value)) throw new AddressError('settings that are no object');
  return value as unknown as NodeSettings;
}
