import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Sends a signal to all processes of a group. @returns false when there is none to get it */
function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Ends a group: SIGTERM, after `graceMs` SIGKILL. Resolves when no process of it is left.
 *
 * @returns false when something was still there 2 s after the SIGKILL (waiting in the kernel, as for a dead network disk)
 */
export async function endGroup(pgid: number, graceMs: number): Promise<boolean> {
  if (!signalGroup(pgid, 'SIGTERM')) return true;
  if (await groupGone(pgid, graceMs)) return true;
  signalGroup(pgid, 'SIGKILL');
  return groupGone(pgid, 2000);
}

async function groupGone(pgid: number, withinMs: number): Promise<boolean> {
  const endMs = performance.now() + withinMs;
  for (let pauseMs = 5; hasLiving(pgid); pauseMs = Math.min(50, pauseMs * 2)) {
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return false;
    await delay(Math.min(pauseMs, leftMs));
  }
  return true;
}

/** Signal 0 also reaches zombies, and in a container nobody may ever collect those: where there is /proc, it decides. */
function hasLiving(pgid: number): boolean {
  if (!signalGroup(pgid, 0)) return false;
  if (process.platform !== 'linux' || isLivingMember(String(pgid), pgid)) return true;
  try {
    return readdirSync('/proc').some((name) => /^\d/.test(name) && isLivingMember(name, pgid));
  } catch {
    return true; // no /proc here: the signal's word must do
  }
}

function isLivingMember(pid: string, pgid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before it may hold anything
    return Number(group) === pgid && state !== 'Z' && state !== 'X';
  } catch {
    return false; // gone meanwhile
  }
}
