import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { formatAddress, type LogAddress, readAddress } from '../../log/wire/index.js';
import { isRecord, writeFileAtomic } from '../../support/index.js';

const PROBE_MS = 2000;

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

const pathIn = (folder: string): string => join(folder, 'broker.json');

/** What the last node of the folder left, alive or not; undefined where there is nothing that makes sense. */
export async function readNodeFile(folder: string): Promise<NodeFile | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(pathIn(folder), 'utf8'));
    if (!isRecord(content)) return undefined;
    const { log, mqtt, token, pid } = content;
    if (typeof log !== 'string' || typeof token !== 'string') return undefined;
    return {
      log: readAddress(log),
      token,
      ...(typeof mqtt === 'string' && URL.canParse(mqtt) && { mqtt }),
      ...(typeof pid === 'number' && pid > 0 && { pid }),
    };
  } catch {
    return undefined;
  }
}

/** Replaces the file (0600: a token is in it). */
export async function writeNodeFile(folder: string, { log, ...rest }: NodeFile): Promise<void> {
  await writeFileAtomic(pathIn(folder), `${JSON.stringify({ log: formatAddress(log), ...rest })}\n`, 0o600);
}

/** The node that runs for this folder; undefined when there is no file, or one whose node is gone. */
export async function findNode(folder: string): Promise<(NodeFile & { readonly pid: number }) | undefined> {
  const file = await readNodeFile(folder);
  if (file?.pid === undefined || !isAlive(file.pid) || !(await isAnswering(file.log))) return undefined;
  return { ...file, pid: file.pid };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** True when somebody accepts connections there. */
async function isAnswering(address: LogAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(
      address.kind === 'ipc' ? { path: address.path } : { host: address.host, port: address.port },
    );
    const settle = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(PROBE_MS, () => settle(false));
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
