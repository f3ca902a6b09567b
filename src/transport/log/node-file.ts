import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { formatAddress, type LogAddress, type NodeFile, nodeFileIn, parseNodeFile } from '../../log/wire/index.js';
import { writeFileAtomic } from '../../support/index.js';

const PROBE_MS = 2000;

/** What the last node of the folder left, alive or not; undefined where there is nothing that makes sense. */
export async function readNodeFile(folder: string): Promise<NodeFile | undefined> {
  try {
    return parseNodeFile(await readFile(nodeFileIn(folder), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Replaces the file (0600: a token is in it). */
export async function writeNodeFile(folder: string, { log, ...rest }: NodeFile): Promise<void> {
  await writeFileAtomic(nodeFileIn(folder), `${JSON.stringify({ log: formatAddress(log), ...rest })}\n`, 0o600);
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
