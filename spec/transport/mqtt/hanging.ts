import { type ChildProcess, spawn } from 'node:child_process';
import { killed } from '../../support/child-process.js';
import type { Opened } from './harness.js';

const HANGING = new URL('./hanging-consumer.ts', import.meta.url).pathname;

/** A process that takes from a queue and settles nothing; its arguments are those of `hanging-consumer.ts`. */
export async function hanging(opened: Opened, ...args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import=tsx', HANGING, ...args], { stdio: ['ignore', 'pipe', 2] });
  opened.later(() => killed(child));
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}
