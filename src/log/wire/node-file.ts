import { join } from 'node:path';
import { isRecord } from '../../support/index.js';
import { type LogAddress, readAddress } from './address.js';

/** What `broker.json` says of the node of a folder. */
export interface NodeFile {
  /** Where our own clients find it. */
  readonly log: LogAddress;
  /** Where any MQTT client finds it; it asks for the user `msgflo` and the token. */
  readonly mqtt?: string;
  /** Asked for by doors that others on this machine could come to. */
  readonly token: string;
  /** Of its process; absent once it has ended in order, and what is left says where its clients look. */
  readonly pid?: number;
}

export function nodeFileIn(folder: string): string {
  return join(folder, 'broker.json');
}

/** @throws for what makes no sense */
export function parseNodeFile(text: string): NodeFile {
  const content: unknown = JSON.parse(text);
  const { log, mqtt, token, pid } = isRecord(content) ? content : {};
  if (typeof log !== 'string' || typeof token !== 'string') throw new Error('it does not say where the node is');
  return {
    log: readAddress(log),
    token,
    ...(typeof mqtt === 'string' && URL.canParse(mqtt) && { mqtt }),
    ...(typeof pid === 'number' && pid > 0 && { pid }),
  };
}
