import { randomUUID } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../support/index.js';
import { StoreLockedError } from './errors.js';

/** The right to write in one folder. */
export interface FolderLock {
  /** Idempotent. */
  release(): void;
}

interface Holder {
  readonly pid: number;
  /** Tells a process from a later one with the same id; empty where the system does not say. */
  readonly born: string;
}

const LOCK_FILE = /^lock-(\d{1,15})$/;

/**
 * Takes the folder for this process. Locks are numbered files and the highest counts. A number is taken with `link`, which
 * fails if somebody was faster, so that two processes that find the same dead holder cannot both win; a released lock stays
 * behind, marked, for the same reason.
 * @throws {StoreLockedError} while the holder lives
 */
export function lockFolder(folder: string, logger: Logger): FolderLock {
  for (;;) {
    const highest = numbers(folder).at(-1) ?? 0;
    const path = join(folder, `lock-${highest}`);
    const holder = highest === 0 ? undefined : readHolder(path);
    if (holder === 'gone') continue;
    if (holder && isAlive(holder)) throw new StoreLockedError(folder, holder.pid);
    const mine = join(folder, `lock-${highest + 1}`);
    if (!take(folder, mine)) continue;
    const now = numbers(folder);
    if (now.at(-1) !== highest + 1) {
      rmSync(mine, { force: true });
      continue;
    }
    for (const old of now.slice(0, -1)) rmSync(join(folder, `lock-${old}`), { force: true });
    if (holder) logger.info(`took over the log in ${folder} from process ${holder.pid}, which is gone`);
    let held = true;
    return {
      release() {
        if (held) writeRenamed(folder, mine, '');
        held = false;
      },
    };
  }
}

/** The process that has the folder open, as far as can be told without asking for it. */
export function folderHolder(folder: string): number | undefined {
  const highest = numbers(folder).at(-1);
  const holder = highest === undefined ? undefined : readHolder(join(folder, `lock-${highest}`));
  return holder && holder !== 'gone' && isAlive(holder) ? holder.pid : undefined;
}

function numbers(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => LOCK_FILE.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function take(folder: string, path: string): boolean {
  const beside = join(folder, `.lock.${randomUUID()}`);
  writeFileSync(beside, JSON.stringify({ pid: process.pid, born: bornAt(process.pid) }), { mode: 0o600 });
  try {
    linkSync(beside, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}

function writeRenamed(folder: string, path: string, content: string): void {
  const beside = join(folder, `.lock.${randomUUID()}`);
  writeFileSync(beside, content, { mode: 0o600 });
  renameSync(beside, path);
}

/** Undefined when it was released, or holds nothing sensible; `gone` when the file went away meanwhile. */
function readHolder(path: string): Holder | undefined | 'gone' {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return 'gone';
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('born' in value)) return undefined;
    const { pid, born } = value;
    return typeof pid === 'number' && typeof born === 'string' ? { pid, born } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, born }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const now = bornAt(pid);
  return born === '' || now === '' || now === born;
}

/** Boot and start time of a process, on Linux. */
function bornAt(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const isZombie = fields[0] === 'Z' || fields[0] === 'X';
    return isZombie ? 'dead' : `${boot}/${fields[19] ?? ''}`;
  } catch {
    return '';
  }
}
