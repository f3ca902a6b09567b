/**
 * The guard: a process of its own that ends what the keeper started when the keeper is gone, however it went. Reads
 * `+<group>` and `-<group>` lines from the keeper; the end of that pipe is the keeper's death. Imports nothing of ours, so
 * that it starts fast and cannot break with the rest.
 *
 * Argument: a mark that every guarded process has in its environment, which finds those not told of in time and those
 * that moved to another group (Linux only).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** With the keeper gone, all must be gone within 2 s, also on a machine that is busy. */
const KILL_AFTER_MS = 600;
const mark = Buffer.from(`MSGFLO_GUARD=${process.argv[2] ?? ''}\0`);
const groups = new Set<number>();

function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch {
    return false;
  }
}

function marked(): number[] {
  if (process.argv[2] === undefined || !existsSync('/proc/self/environ')) return [];
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return others.filter(hasMark).map(Number);
}

function hasMark(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(mark);
  } catch {
    return false; // somebody else's process, or gone meanwhile
  }
}

function signalAll(signal: NodeJS.Signals): number {
  const reached = [...groups].filter((group) => send(-group, signal));
  return reached.length + marked().filter((pid) => send(pid, signal)).length;
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.stdout.on('error', () => undefined);
process.stdin.on('error', () => undefined);
process.stdout.write('watching\n');
for await (const line of createInterface({ input: process.stdin })) {
  const group = Number(line.slice(1));
  if (!Number.isInteger(group) || group < 2) continue; // -1 and 0 would mean everybody, or ourselves
  if (line.startsWith('+')) groups.add(group);
  else groups.delete(group);
}
signalAll('SIGTERM');
const endMs = performance.now() + KILL_AFTER_MS;
// SIGCONT tells whether anybody is left, and a stopped process must run to take its SIGTERM.
while (performance.now() < endMs && signalAll('SIGCONT') > 0) await delay(50);
for (let tries = 0; tries < 5 && signalAll('SIGKILL') > 0; tries += 1) await delay(50);
