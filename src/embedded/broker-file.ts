import { findNode, folderAddress } from '../transport/log/index.js';
import { MQTT_USER } from './mqtt-user.js';

/** The broker that runs for a folder. */
export interface BrokerFile {
  /** For our own clients; who opens it starts no node. */
  readonly address: string;
  /** For any MQTT client, with user and token; absent where it has no such door. */
  readonly mqtt?: string;
  readonly pid: number;
}

/** The broker that runs for this folder; undefined when there is no file, or one whose broker is gone. */
export async function readBrokerFile(dir: string): Promise<BrokerFile | undefined> {
  const found = await findNode(dir);
  if (!found) return undefined;
  const { mqtt, token, pid } = found;
  return { address: folderAddress(dir), pid, ...(mqtt && { mqtt: withUser(mqtt, token) }) };
}

function withUser(address: string, token: string): string {
  return address.replace('://', `://${MQTT_USER}:${encodeURIComponent(token)}@`);
}
