/**
 * Runs spec files one after another, as they are named to it by its parent (run-specs.ts), in one process so that the
 * servers that specs share are started once. What a file prints is written in one piece when it is done.
 */
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import Mocha from 'mocha';
import { mochaGlobalTeardown } from './brokers.js';

/** From the parent: the next file, or undefined when there is none any more. */
export interface NextFile {
  readonly file: string | undefined;
}

/** To the parent: what a file came to. */
export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly skipped: number;
  /** One line each: full title and what went wrong. */
  readonly failures: readonly string[];
}

const [timeoutMs, slowMs] = process.argv.slice(2).map(Number);

// As the mocha executable does: its runner makes a failure of what is thrown here.
process.on('unhandledRejection', (reason) => {
  throw reason;
});
process.on('message', ({ file }: NextFile) => {
  if (file === undefined) void end();
  else void run(file).then((result) => process.send?.(result));
});
process.send?.({});

async function run(file: string): Promise<FileResult> {
  const mocha = new Mocha({ reporter: 'spec', color: false, timeout: timeoutMs ?? 0, slow: slowMs ?? 0 });
  const lines: string[] = [];
  const { consoleLog } = Mocha.reporters.Base;
  Mocha.reporters.Base.consoleLog = (...words: readonly unknown[]) => lines.push(format(...words));
  try {
    return { file, ...(await outcome(mocha, file)) };
  } catch (error) {
    return { file, passed: 0, skipped: 0, failures: [`cannot be loaded: ${inWords(error)}`] };
  } finally {
    Mocha.reporters.Base.consoleLog = consoleLog;
    process.stdout.write(`${lines.join('\n')}\n`);
  }
}

async function outcome(mocha: Mocha, file: string): Promise<Omit<FileResult, 'file'>> {
  // Not by mocha's own loader, which requires: modules would be there twice, once for specs and once for this file.
  mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, file, mocha);
  await import(pathToFileURL(file).href);
  const failures: string[] = [];
  return new Promise((resolve) => {
    const runner = mocha.run(() => {
      const { passes = 0, pending = 0 } = runner.stats ?? {};
      // Its listeners on this process would pile up.
      runner.dispose();
      resolve({ passed: passes, skipped: pending, failures });
    });
    runner.on('fail', (test, error: unknown) => failures.push(`${test.fullTitle()}: ${inWords(error)}`));
  });
}

/** Whatever keeps this process up after that was left open by a spec; the parent notices. */
async function end(): Promise<void> {
  await mochaGlobalTeardown();
  process.disconnect();
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
