import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Outcome {
  readonly code: number | null;
  /** stdout and stderr, in order of arrival. */
  readonly said: string;
}

/** Runs a script under this Node to its end; it is killed after `limitMs`, which shows as the code null. */
export async function run(
  script: string,
  args: readonly string[],
  { cwd, limitMs = 50_000 }: { readonly cwd: string; readonly limitMs?: number },
): Promise<Outcome> {
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  await once(child, 'close');
  return { code: child.exitCode, said };
}
