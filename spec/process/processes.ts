import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Guard,
  type OutputLine,
  type ProcessState,
  Supervisor,
  type SupervisorOptions,
} from '../../src/process/index.js';
import { type Logger, silentLogger } from '../../src/support/index.js';

/** False also for a zombie that nobody has collected yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^Z/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Waits for a condition. Gives up before mocha does, so that a failing spec leaves no loop behind. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 12_000;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited too long for: ${condition}`);
    await delay(10);
  }
}

/** Remembers every line. */
function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const push = (text: string): void => void lines.push(text);
  return { ...silentLogger, lines, info: push, warn: push, warnOnce: (_key, text) => push(text) };
}

export interface Bench {
  readonly guard: Guard;
  readonly supervisor: Supervisor;
  readonly states: ProcessState[];
  readonly output: OutputLine[];
  readonly log: ReturnType<typeof recordingLogger>;
  stateOf(key: string): Promise<ProcessState | undefined>;
  close(): Promise<void>;
}

/** A supervisor with everything it said. */
export function bench(options: Partial<SupervisorOptions> = {}): Bench {
  const log = recordingLogger();
  const guard = new Guard(log);
  const supervisor = new Supervisor({ guard, log, ...options });
  const states: ProcessState[] = [];
  const output: OutputLine[] = [];
  supervisor.onChange((state) => void states.push(state));
  supervisor.onOutput((line) => void output.push(line));
  return {
    guard,
    supervisor,
    states,
    output,
    log,
    stateOf: async (key) => (await supervisor.list()).find((state) => state.key === key),
    async close() {
      await supervisor.close();
      await guard.close();
    },
  };
}
