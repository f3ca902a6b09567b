import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** An executable that was started from the sources, and what it has said so far. */
export interface Started {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** The exit code, once it has ended and both streams are read. */
  readonly ended: Promise<number | null>;
}

/** Starts a command of src/cli as its executable does. @param factory file and export: `participant.ts#participant` */
export function startCommand(
  factory: `${string}#${string}`,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Started {
  const [file, name] = factory.split('#');
  const at = (path: string): string => JSON.stringify(new URL(`../../src/cli/${path}`, import.meta.url).href);
  const program = `
    const { run } = await import(${at('command.ts')});
    const { ${name}: factory } = await import(${at(file ?? '')});
    process.exitCode = await run(factory, ['node', '${name}', ...process.argv.slice(1)]);`;
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const { MSGFLO_BROKER: _broker, CLOUDAMQP_URL: _cloud, ...env } = process.env;
  const child = spawn(process.execPath, [`--import=${loader}`, '--input-type=module', '-e', program, '--', ...args], {
    env: { ...env, ...options.env },
    cwd: options.cwd ?? process.cwd(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += String(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}
