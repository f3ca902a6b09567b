import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../support/index.js';
import { connectOptions, readLocalAddress } from '../transport/local/index.js';
import { isAnswering } from './unix-socket.js';

/** Where the broker of a folder is found, and by which process it runs. */
export interface BrokerFile {
  readonly address: string;
  readonly pid: number;
}

const pathIn = (dir: string): string => join(dir, 'broker.json');

/** Leaves the address in `<dir>/broker.json` (0600: a token may be in it). */
export async function writeBrokerFile(dir: string, address: string, pid = process.pid): Promise<void> {
  await writeFileAtomic(pathIn(dir), `${JSON.stringify({ address, pid } satisfies BrokerFile)}\n`, 0o600);
}

/** The broker that runs for this folder; undefined when there is no file, or one whose broker is gone. */
export async function readBrokerFile(dir: string): Promise<BrokerFile | undefined> {
  const file = await parseBrokerFile(dir);
  if (!file || !isAlive(file.pid)) return undefined;
  return (await isAnswering(connectOptions(readLocalAddress(new URL(file.address))))) ? file : undefined;
}

/** Takes the file away, unless another broker has left its own there by now. */
export async function removeBrokerFile(dir: string, address: string, pid = process.pid): Promise<void> {
  const file = await parseBrokerFile(dir);
  if (file?.address === address && file.pid === pid) await rm(pathIn(dir), { force: true });
}

/** What the file says of a broker on the loopback interface, alive or not. */
export async function lastLoopbackAddress(dir: string): Promise<{ port: number; token: string } | undefined> {
  const file = await parseBrokerFile(dir);
  const address = file && readLocalAddress(new URL(file.address));
  return address && 'port' in address ? address : undefined;
}

async function parseBrokerFile(dir: string): Promise<BrokerFile | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(pathIn(dir), 'utf8'));
    if (typeof content !== 'object' || content === null || !('address' in content) || !('pid' in content)) return;
    const { address, pid } = content;
    if (typeof address !== 'string' || typeof pid !== 'number' || !address.startsWith('local:')) return undefined;
    readLocalAddress(new URL(address));
    return { address, pid };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
